import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SharedRead } from './shared-read.js';

/** Reads that end when the test says so. */
function manual(): { read: () => Promise<number>; ends: ((error?: Error) => void)[] } {
  const ends: ((error?: Error) => void)[] = [];
  const read = (): Promise<number> => {
    const number = ends.length + 1;
    return new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve(number))));
  };
  return { read, ends };
}

describe('SharedRead', () => {
  it('reads once for all callers of one turn, and once more for all that come meanwhile', async () => {
    const { read, ends } = manual();
    const shared = new SharedRead(read);
    const first = [shared.get(), shared.get()];
    await nextTurn();
    expect(ends).toHaveLength(1);
    const others = [shared.get(), shared.get(), shared.get()];
    ends[0]?.();
    await expect(Promise.all(first)).resolves.toEqual([1, 1]);
    expect(ends).toHaveLength(2);
    ends[1]?.();
    await expect(Promise.all(others)).resolves.toEqual([2, 2, 2]);
    expect(ends).toHaveLength(2);
  });

  it('fails for the callers of a failed read and goes on for the next', async () => {
    const { read, ends } = manual();
    const shared = new SharedRead(read);
    const first = shared.get();
    await nextTurn();
    const second = shared.get();
    ends[0]?.(new Error('away'));
    await expect(first).rejects.toThrow('away');
    ends[1]?.();
    await expect(second).resolves.toBe(2);
    const third = shared.get();
    await nextTurn();
    ends[2]?.();
    await expect(third).resolves.toBe(3);
  });
});
