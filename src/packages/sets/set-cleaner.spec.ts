import { describe, expect, it } from '@jest/globals';
import { chooseRemovals, type StoredSet } from './set-cleaner.js';

const NOW = 1_000_000;
const set = (id: string, changes: Partial<StoredSet> = {}): StoredSet => ({
  id,
  sizeBytes: 10,
  lastUsedMs: NOW,
  inUse: false,
  ...changes,
});

describe('the choice of sets to remove', () => {
  const limits = { keepMs: 100, maxBytes: 25 };

  it('selects those that were unused for too long', () => {
    const sets = [set('old', { lastUsedMs: NOW - 101 }), set('young', { lastUsedMs: NOW - 100 })];
    expect(chooseRemovals(sets, limits, NOW)).toEqual(['old']);
  });

  it('takes the longest unused until the rest fits', () => {
    const sets = [
      set('b', { lastUsedMs: NOW - 20 }),
      set('c', { lastUsedMs: NOW - 10 }),
      set('a', { lastUsedMs: NOW - 30 }),
    ];
    expect(chooseRemovals(sets, limits, NOW)).toEqual(['a']);
    expect(chooseRemovals(sets, { ...limits, maxBytes: 0 }, NOW)).toEqual(['a', 'b', 'c']);
  });

  it('never takes one in use, however old and large', () => {
    const sets = [set('used', { lastUsedMs: 0, sizeBytes: 1_000, inUse: true })];
    expect(chooseRemovals(sets, limits, NOW)).toEqual([]);
  });
});
