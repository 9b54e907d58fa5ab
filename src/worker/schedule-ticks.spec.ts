import { describe, expect, it } from '@jest/globals';
import { missedTicks } from './schedule-ticks.js';

const at = (dueMs: number, count = 1, rule = 'r') => ({ dueMs, count, rule });
const MINUTE = 60_000;

describe('missedTicks', () => {
  it.each([
    [1000, 0],
    [1001, 0],
    [2000, 1],
    [10_000, 9],
  ])('of a tick each second, %d ms after the last: %d', (gap, missed) => {
    expect(missedTicks(at(0), at(gap, 2), { every: 1000 })).toBe(missed);
  });

  it('counts what a pattern names in between, in its time zone', () => {
    const midnightUtc = Date.UTC(2026, 10, 28);
    const daily = { pattern: '0 9 * * *', tz: 'Asia/Tokyo' };
    expect(missedTicks(at(midnightUtc), at(midnightUtc + 24 * 60 * MINUTE, 2), daily)).toBe(0);
    expect(missedTicks(at(midnightUtc), at(midnightUtc + 4 * 24 * 60 * MINUTE, 2), daily)).toBe(3);
    const quarters = { pattern: '*/15 * * * *', startDate: 0, immediately: true };
    expect(missedTicks(at(midnightUtc), at(midnightUtc + 60 * MINUTE, 2), quarters)).toBe(3);
  });

  it('counts nothing across a schedule that was changed, made anew, or delivered again', () => {
    expect(missedTicks(at(0, 5), at(10_000, 6, 'other'), { every: 1000 })).toBe(0);
    expect(missedTicks(at(0, 5), at(10_000, 1), { every: 1000 })).toBe(0);
    expect(missedTicks(at(10_000, 5), at(10_000, 5), { every: 1000 })).toBe(0);
  });
});
