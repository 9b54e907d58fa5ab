import { describe, expect, it } from '@jest/globals';
import { latestTicks, nextTick, ticksAfter, type TickRule } from './due-times.js';

const at = (text: string): number => Date.parse(text);
const after = (time: string, rule: TickRule, limit: number): string[] =>
  [...ticksAfter(at(time), rule, { limit })].map((ms) => new Date(ms).toISOString());
const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';

describe('ticks of a pattern', () => {
  it.each([
    [
      'keep to their local time over the change of clocks in spring',
      '2026-03-27T12:00:00Z',
      { pattern: '0 9 * * *', tz: BERLIN },
      ['2026-03-28T08:00:00.000Z', '2026-03-29T07:00:00.000Z', '2026-03-30T07:00:00.000Z'],
    ],
    [
      'keep to it in autumn',
      '2026-10-31T12:00:00Z',
      { pattern: '0 9 * * *', tz: NEW_YORK },
      ['2026-10-31T13:00:00.000Z', '2026-11-01T14:00:00.000Z', '2026-11-02T14:00:00.000Z'],
    ],
    [
      'at a time that spring leaves out come an hour later, once',
      '2026-03-28T12:00:00Z',
      { pattern: '30 2 * * *', tz: BERLIN },
      ['2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z'],
    ],
    [
      'at a time that autumn has twice come once',
      '2026-10-24T12:00:00Z',
      { pattern: '30 2 * * *', tz: BERLIN },
      ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ],
    [
      'of each hour come in both of the two hours of autumn',
      '2026-10-24T23:45:00Z',
      { pattern: '30 * * * *', tz: BERLIN },
      ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-25T02:30:00.000Z'],
    ],
    [
      'of each hour leave out none that spring has',
      '2026-03-28T23:45:00Z',
      { pattern: '0 * * * *', tz: BERLIN },
      ['2026-03-29T00:00:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-29T02:00:00.000Z'],
    ],
  ])('%s', (_what, time, rule, ticks) => {
    expect(after(time, rule, ticks.length)).toEqual(ticks);
  });

  it('end with the schedule', () => {
    const rule = { pattern: '0 * * * *', tz: 'UTC', endMs: at('2026-05-01T02:00:00Z') };
    expect(after('2026-05-01T00:30:00Z', rule, 10)).toEqual([
      '2026-05-01T01:00:00.000Z',
      '2026-05-01T02:00:00.000Z',
    ]);
  });

  it.each([
    [
      'each second',
      '* * * * * *',
      ['2026-05-01T00:59:58.000Z', '2026-05-01T00:59:59.000Z', '2026-05-01T01:00:00.000Z'],
    ],
    [
      'each day',
      '0 2 * * *',
      ['2026-04-28T02:00:00.000Z', '2026-04-29T02:00:00.000Z', '2026-04-30T02:00:00.000Z'],
    ],
    ['in leap years', '0 0 29 2 *', ['2024-02-29T00:00:00.000Z']],
    ['never since then', '0 0 1 1 *', []],
  ])('%s are the latest until a moment', (_what, pattern, ticks) => {
    const fromMs = at(pattern === '0 0 1 1 *' ? '2026-02-01T00:00:00Z' : '2023-01-01T00:00:00Z');
    const found = latestTicks(at('2026-05-01T01:00:00Z'), { pattern, tz: 'UTC' }, { fromMs, limit: 3 });
    expect(found.map((ms) => new Date(ms).toISOString())).toEqual(ticks);
  });

  it('that cannot be read are an error', () => {
    expect(() => nextTick(0, { pattern: '61 * * * *' })).toThrow('expected range 0-59');
  });
});

describe('ticks of a period', () => {
  it('count from the tick before, also over a change of clocks', () => {
    expect(after('2026-03-29T00:30:00Z', { every: 3_600_000 }, 2)).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-29T02:30:00.000Z',
    ]);
  });

  it('are those until a moment, that one included', () => {
    expect([...ticksAfter(0, { every: 10 }, { untilMs: 30, limit: 100 })]).toEqual([10, 20, 30]);
    expect([...ticksAfter(0, { every: 10 }, { untilMs: 9, limit: 100 })]).toEqual([]);
  });
});
