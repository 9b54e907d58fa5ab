import { describe, expect, it } from '@jest/globals';
import { Cancellation, CancelledError } from './cancellation.js';

const ASKED = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };

describe('Cancellation', () => {
  it('gives what the work gives while no request comes', async () => {
    const cancellation = new Cancellation();
    expect(await cancellation.unless(Promise.resolve(4))).toBe(4);
    await expect(cancellation.unless(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('waits no longer once a request comes, and discards what comes late', async () => {
    const cancellation = new Cancellation();
    const work = Promise.withResolvers<string>();
    const late: string[] = [];
    const waiting = cancellation.unless(work.promise, (value) => late.push(value));
    cancellation.ask(ASKED);
    await expect(waiting).rejects.toThrow(new CancelledError('The execution was cancelled: enough'));
    work.resolve('late');
    await work.promise;
    expect(late).toEqual(['late']);
  });

  it('does not wait at all after that, not even for what is there', async () => {
    const cancellation = new Cancellation();
    cancellation.ask(ASKED);
    await expect(cancellation.unless(Promise.resolve(4))).rejects.toThrow(CancelledError);
    await expect(cancellation.unless(Promise.reject(new Error('no')))).rejects.toThrow(CancelledError);
  });

  it('keeps the first request', () => {
    const cancellation = new Cancellation();
    cancellation.ask(ASKED);
    cancellation.ask({ ...ASKED, reason: 'other' });
    expect(cancellation.request).toBe(ASKED);
  });
});
