import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { HeldResults } from './held-results.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('says for how long results are refused, and why', () => {
  const held = new HeldResults();
  expect(held.heldFor(0)).toBeNull();
  held.refused('a', 'WRONGTYPE');
  jest.advanceTimersByTime(6_000);
  held.refused('a', 'OOM');
  held.refused('b', 'OOM');
  expect(held.heldFor(10_000)).toBeNull();
  jest.advanceTimersByTime(4_000);
  expect(held.heldFor(10_000)).toEqual({ results: 1, forMs: 10_000, reason: 'OOM' });
  expect(held.heldFor(1_000)).toMatchObject({ results: 2 });
  held.delivered('a');
  expect([held.heldFor(10_000), held.heldFor(1_000)]).toEqual([
    null,
    { results: 1, forMs: 4_000, reason: 'OOM' },
  ]);
});
