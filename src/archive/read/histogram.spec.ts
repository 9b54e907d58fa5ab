import { describe, expect, it } from '@jest/globals';
import { bucketOf, durationOf, percentiles, RELATIVE_ERROR } from './histogram.js';

/** Pseudo-random, but the same every time. */
function* durations(count: number): Generator<number> {
  let seed = 1;
  for (let n = 0; n < count; n++) {
    seed = (seed * 16_807) % 2_147_483_647;
    yield 0.05 * 10 ** ((8 * seed) / 2_147_483_647);
  }
}

const histogramOf = (values: Iterable<number>): number[] => {
  const counts: number[] = [];
  for (const value of values) counts[bucketOf(value)] = (counts[bucketOf(value)] ?? 0) + 1;
  return counts;
};

describe('a histogram of durations', () => {
  it('reads percentiles that are off by no more than it promises', () => {
    const values = [...durations(5000)].toSorted((a, b) => a - b);
    const parts = [0, 0.01, 0.5, 0.95, 0.99, 1];
    const found = percentiles(histogramOf(values), parts);
    for (const [index, part] of parts.entries()) {
      const exact = values[Math.max(1, Math.ceil(part * values.length)) - 1]!;
      expect(Math.abs(found[index]! - exact) / exact).toBeLessThanOrEqual(RELATIVE_ERROR + 1e-9);
    }
  });

  it('of nothing has no percentiles', () => {
    expect(percentiles([], [0.5])).toEqual([null]);
  });

  it.each([0, -1, Number.NaN, 0.001])('counts %p as no time at all', (value) => {
    expect(durationOf(bucketOf(value))).toBe(0);
  });

  it('has buckets that fit a smallint, also for what cannot be', () => {
    for (const value of [Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      expect(bucketOf(value)).toBeLessThanOrEqual(32_767);
    }
  });
});
