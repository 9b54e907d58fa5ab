import { describe, expect, it } from '@jest/globals';
import { InstallProgress } from './install-progress.js';

describe('the progress of an install', () => {
  it('moves with everything that is fetched, towards the end of a run and no further', () => {
    const shown: number[] = [];
    const progress = new InstallProgress((fraction) => shown.push(fraction));
    progress.advance(0.1);
    const fetched = progress.ofFetches(40, 0.6);
    for (let count = 0; count < 5_000; count += 1) fetched();
    expect(shown.length).toBe(5_001);
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBeGreaterThan(0.5);
    expect(shown.at(-1)).toBeLessThan(0.6);
  });

  it('never falls back', () => {
    const shown: number[] = [];
    const progress = new InstallProgress((fraction) => shown.push(fraction));
    for (const fraction of [0.5, 0.2, 0.5, 0.7]) progress.advance(fraction);
    expect(shown).toEqual([0.5, 0.7]);
  });
});
