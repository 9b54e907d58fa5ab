import { describe, expect, it } from '@jest/globals';
import { randomOf } from '../../src/faults/seeded-random.js';
import { slopeOf } from './slope.js';

const COUNT = 60;

/** An hour of samples, one a minute; `noise` has a new random number for each. */
const anHour = (valueAt: (hours: number, noise: number) => number, seed = 1) => {
  const random = randomOf(seed);
  return Array.from({ length: COUNT }, (_, index) => {
    const hours = index / COUNT;
    return { hours, value: valueAt(hours, random() + random() + random() - 1.5) };
  });
};
const SEEDS = Array.from({ length: 300 }, (_, index) => index);

describe('the slope of a quantity', () => {
  it('is that of a line, exactly', () => {
    const { perHour, atLeastPerHour } = slopeOf(anHour((hours) => 5 + 3 * hours));
    expect([perHour, atLeastPerHour].map((slope) => slope.toFixed(6))).toEqual(['3.000000', '3.000000']);
    expect(slopeOf(anHour(() => 7)).atLeastPerHour).toBe(0);
  });

  it('is seldom found where there is only noise, also of the kind whose neighbours are alike', () => {
    const white = SEEDS.filter((seed) => slopeOf(anHour((_, noise) => noise, seed)).atLeastPerHour > 0);
    expect(white.length).toBeLessThan(SEEDS.length * 0.03);
    const alike = SEEDS.filter((seed) => {
      let last = 0;
      return slopeOf(anHour((_, noise) => (last = 0.7 * last + noise), seed)).atLeastPerHour > 0;
    });
    expect(alike.length).toBeLessThan(SEEDS.length * 0.05);
    // A heap that grows by 30 and is collected six times.
    expect(slopeOf(anHour((hours) => 30 * ((hours * 6) % 1))).atLeastPerHour).toBeLessThan(0.5);
  });

  it('is found where it is as large as the noise', () => {
    const found = SEEDS.filter(
      (seed) => slopeOf(anHour((hours, noise) => 100 + 2 * hours + noise, seed)).atLeastPerHour > 0.5,
    );
    expect(found.length).toBeGreaterThan(SEEDS.length * 0.9);
  });

  it('is not given by a handful of samples', () => {
    expect(() => slopeOf([{ hours: 0, value: 1 }])).toThrow('1 samples');
  });
});
