import { describe, expect, it } from '@jest/globals';
import { waitAtMost } from './time-limit.js';

const HOUR_MS = 3_600_000;
const never = new Promise<void>(() => undefined);
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('waitAtMost', () => {
  it('ends with the work and leaves no timer', async () => {
    const before = timers();
    await waitAtMost(Promise.resolve(), HOUR_MS);
    expect(timers()).toBe(before);
  });

  it('ends at the limit although the work does not', async () => {
    await waitAtMost(never, 1);
    await expect(waitAtMost(Promise.reject(new Error('failed')), HOUR_MS)).rejects.toThrow('failed');
  });

  it('ends when the signal aborts, also when that was before', async () => {
    const hurry = new AbortController();
    const waiting = waitAtMost(never, HOUR_MS, hurry.signal);
    hurry.abort();
    await waiting;
    await waitAtMost(never, HOUR_MS, hurry.signal);
    expect(hurry.signal.aborted).toBe(true);
  });
});
