import { describe, expect, it } from '@jest/globals';
import { LatestSender } from './latest-sender.js';

/** A receiver whose answers the test gives. */
function receiver() {
  const sent: number[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const sender = new LatestSender<number>((value) => {
    sent.push(value);
    answers.push(Promise.withResolvers<void>());
    return answers.at(-1)!.promise;
  });
  return { sent, answers, sender };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('LatestSender', () => {
  it('sends at once, and while that is under way keeps only the newest', async () => {
    const { sent, answers, sender } = receiver();
    for (const value of [1, 2, 3, 4]) sender.push(value);
    await turn();
    expect(sent).toEqual([1]);
    answers[0]!.resolve();
    await turn();
    expect(sent).toEqual([1, 4]);
  });

  it('is idle when all of it is sent', async () => {
    const { sent, answers, sender } = receiver();
    await sender.idle();
    sender.push(1);
    sender.push(2);
    let idle = false;
    const whenIdle = sender.idle().then(() => (idle = true));
    answers[0]!.resolve();
    await turn();
    expect(idle).toBe(false);
    answers[1]!.resolve();
    await whenIdle;
    expect(sent).toEqual([1, 2]);
  });

  it('goes on after a failure, and after it was idle', async () => {
    const { sent, answers, sender } = receiver();
    sender.push(1);
    answers[0]!.reject(new Error('away'));
    await sender.idle();
    sender.push(2);
    answers[1]!.resolve();
    await sender.idle();
    expect(sent).toEqual([1, 2]);
  });

  it('rests between two, but not when it is to become idle', async () => {
    const sent: number[] = [];
    const sender = new LatestSender<number>((value) => Promise.resolve(sent.push(value)), 3_600_000);
    sender.push(1);
    await turn();
    sender.push(2);
    sender.push(3);
    await turn();
    expect(sent).toEqual([1]);
    await sender.idle();
    expect(sent).toEqual([1, 3]);
  });
});
