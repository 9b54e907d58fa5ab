import { describe, expect, it } from '@jest/globals';
import { duration, period } from './duration.js';

describe('a length of time', () => {
  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0 ms'],
    [0.123, '0.1 ms'],
    [42, '42 ms'],
    [1_234, '1.23 s'],
    [12_345, '12.3 s'],
    [125_000, '2 m 05 s'],
    [3_720_000, '1 h 02 m'],
    [90_000_000, '1 d 1 h'],
    [-5, '0 ms'],
  ])('of %d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [60_000, '1 min'],
    [90_000, '90 s'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
    [1_500, '1.5 s'],
    [5_400_000, '90 min'],
    [100_000_000, '1 d 3 h 46 min 40 s'],
    [3_600_250, '1 h 0.25 s'],
    [31_536_000_000, '365 d'],
  ])('of %d ms that repeats is %s', (ms, text) => {
    expect(period(ms)).toBe(text);
  });
});
