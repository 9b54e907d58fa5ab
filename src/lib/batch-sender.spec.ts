import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BatchSender } from './batch-sender.js';

describe('BatchSender', () => {
  it('sends what comes in one turn or meanwhile together, in order and in batches', async () => {
    const sent: number[][] = [];
    const ends: (() => void)[] = [];
    const sender = new BatchSender((values: number[]) => {
      sent.push(values);
      return new Promise<void>((resolve) => ends.push(resolve));
    }, 2);
    const all = [1, 2, 3].map((value) => sender.push(value));
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual([[1, 2]]);
    all.push(sender.push(4), sender.push(5));
    ends[0]?.();
    await Promise.all([all[0], all[1]]);
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
    ends[1]?.();
    await Promise.all([all[2], all[3]]);
    ends[2]?.();
    await all[4];
    expect(sent).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('rejects every caller of a failed batch and sends the next', async () => {
    const sent: number[][] = [];
    const sender = new BatchSender((values: number[]) => {
      sent.push(values);
      return values.includes(2) ? Promise.reject(new Error('no')) : Promise.resolve();
    }, 2);
    const ends = await Promise.allSettled([1, 2, 3, 4].map((value) => sender.push(value)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
    expect(sent).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});
