import { describe, expect, it } from '@jest/globals';
import { BatchSender } from './batch-sender.js';

describe('BatchSender', () => {
  it('sends the first at once and what comes meanwhile together, in order and in batches', async () => {
    const sent: number[][] = [];
    const ends: (() => void)[] = [];
    const sender = new BatchSender((values: number[]) => {
      sent.push(values);
      return new Promise<void>((resolve) => ends.push(resolve));
    }, 2);
    const all = [1, 2, 3, 4].map((value) => sender.push(value));
    expect(sent).toEqual([[1]]);
    ends[0]?.();
    await all[0];
    expect(sent).toEqual([[1], [2, 3]]);
    ends[1]?.();
    await Promise.all([all[1], all[2]]);
    ends[2]?.();
    await all[3];
    expect(sent).toEqual([[1], [2, 3], [4]]);
  });

  it('tells everybody of a batch that it failed and sends the next', async () => {
    const sent: number[][] = [];
    const sender = new BatchSender((values: number[]) => {
      sent.push(values);
      return values.includes(2) ? Promise.reject(new Error('no')) : Promise.resolve();
    }, 2);
    const ends = await Promise.allSettled([1, 2, 3, 4].map((value) => sender.push(value)));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(sent).toEqual([[1], [2, 3], [4]]);
  });
});
