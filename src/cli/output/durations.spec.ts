import { describe, expect, it } from '@jest/globals';
import { readableAge, readableMs, readableSeconds } from './durations.js';

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [12.4, '12 ms'],
    [1_500, '1.5 s'],
    [90_000, '1.5 min'],
  ])('of %d ms took %s', (ms, text) => {
    expect(readableMs(ms)).toBe(text);
  });

  it.each([
    [12, '0.0 s'],
    [2_100, '2.1 s'],
    [61_000, '61 s'],
  ])('of %d ms is %s', (ms, text) => {
    expect(readableSeconds(ms)).toBe(text);
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m 0s'],
    [7_505_000, '2h 5m'],
    [86_400_000, '1d 0h'],
    [-5000, '0s'],
    [Number.NaN, '?'],
  ])('of %d ms is an age of %s', (ms, text) => {
    expect(readableAge(ms)).toBe(text);
  });
});
