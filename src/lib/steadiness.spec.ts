import { describe, expect, it } from '@jest/globals';
import { Steadiness } from './steadiness.js';

const INTERVAL = 100;
const GRACE = 250;
const answered = (...times: number[]): Steadiness => {
  const steadiness = new Steadiness(INTERVAL, GRACE);
  for (const time of times) steadiness.ok(time);
  return steadiness;
};

describe('Steadiness', () => {
  it.each<[string, number[], number, boolean]>([
    ['nothing has answered yet', [], 10_000, false],
    ['the first answer is fresh', [1000], 1000, false],
    ['the grace is not over', [1000, 1100, 1200], 1249, false],
    ['the grace is over', [1000, 1100, 1200], 1250, true],
    ['an answer is late, but no more than one', [1000, 1200], 1400, true],
    ['the last answer is too long ago', [1000, 1100, 1200], 1401, false],
    ['answers stopped and came back', [1000, 1100, 1200, 1401], 1402, false],
    ['the grace after a gap is not over', [1000, 1201, 1300, 1400], 1450, false],
    ['the grace after a gap is over', [1000, 1201, 1300, 1400], 1451, true],
  ])('when %s', (_, times, now, steady) => {
    expect(answered(...times).isSteady(now)).toBe(steady);
  });
});
