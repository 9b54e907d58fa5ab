import { describe, expect, it } from '@jest/globals';
import { atOnce, inTurns } from '../../lib/in-turns.js';
import { NeedleAutomaton, type Range } from './needle-automaton.js';

const automatonOf = (needles: string[]): NeedleAutomaton => atOnce(NeedleAutomaton.build(needles));

/** Reads a text in parts of the given length. */
function found(
  needles: string[],
  text: string,
  part = text.length,
): { ranges: Range[]; open: number; steps: number } {
  const search = automatonOf(needles).search();
  for (let at = 0; at < text.length; at += part) search.read(text.slice(at, at + part));
  return { ranges: search.ranges, open: search.open, steps: search.steps };
}

/** The same by comparing everything with everything. */
function expected(needles: string[], text: string): { ranges: Range[]; open: number } {
  const ranges: Range[] = [];
  const covered = Array.from(text, () => false);
  for (let at = 0; at < text.length; at += 1)
    for (const needle of needles) if (text.startsWith(needle, at)) covered.fill(true, at, at + needle.length);
  for (const [at, isCovered] of covered.entries()) {
    const last = ranges.at(-1);
    if (isCovered && last?.[1] === at) last[1] = at + 1;
    else if (isCovered) ranges.push([at, at + 1]);
  }
  let open = 0;
  const isOpen = (rest: string): boolean =>
    needles.some((needle) => needle.length > rest.length && needle.startsWith(rest));
  while (open < text.length && !isOpen(text.slice(open))) open += 1;
  return { ranges, open };
}

it('finds what a comparison with every needle at every place finds, however the text comes', () => {
  let seed = 11;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const word = (length: number): string => Array.from({ length }, () => 'ab\u4e00'[random(3)]).join('');
  for (let round = 0; round < 1500; round += 1) {
    const needles = Array.from({ length: 1 + random(5) }, () => word(1 + random(6)));
    const text = word(random(40));
    expect(found(needles, text, 1 + random(7))).toMatchObject(expected(needles, text));
  }
});

describe('the number of steps', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `aaaa${String(index).padStart(4, '0')}`);

  it.each([
    ['many needles that begin alike, and a text of that beginning', many, 'a'.repeat(20_000)],
    ['one needle of one letter, and a text of that letter', ['a'.repeat(250)], 'a'.repeat(1_000_000)],
    ['a needle that is missed at its end, again and again', [`${'a'.repeat(200)}b`], 'a'.repeat(500_000)],
    [
      'needles of which each is the end of another',
      Array.from({ length: 250 }, (_, length) => 'ab'.repeat(125).slice(length)),
      'ab'.repeat(200_000),
    ],
    ['no needle that occurs', many, 'an ordinary line '.repeat(20_000)],
  ])('is at most two for a character: %s', (_what, needles, text) => {
    expect(found(needles, text).steps).toBeLessThanOrEqual(2 * text.length);
    expect(found(needles, text, 100).steps).toBeLessThanOrEqual(2 * text.length);
  });

  it('of a build grows with the characters of the needles', () => {
    const yieldsOf = (count: number): number => {
      const build = NeedleAutomaton.build(many.slice(0, count));
      let yields = 0;
      while (!build.next().done) yields += 1;
      return yields;
    };
    expect(yieldsOf(3000)).toBeGreaterThan(10);
    expect(yieldsOf(3000)).toBeLessThanOrEqual(2 * yieldsOf(1500) + 2);
  });
});

it('is built in turns of the event loop as it is at once', async () => {
  const automaton = await inTurns(NeedleAutomaton.build(['abcd', 'bcde']));
  const search = automaton.search();
  search.read('xabcdex');
  expect(search.ranges).toEqual([[1, 6]]);
});

it('keeps of many finds that touch one range only', () => {
  const search = automatonOf(['aaaa']).search();
  search.read('a'.repeat(100_000));
  expect(search.ranges).toEqual([[0, 100_000]]);
});
