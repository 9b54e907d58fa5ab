import { afterAll, describe, expect, it } from '@jest/globals';
import { createHook } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause, waitAtMost, within } from './time-limit.js';

const HOUR_MS = 3_600_000;
const never = new Promise<void>(() => undefined);

/** Timers of an hour that are running: those of this file, whatever else the process waits for. */
const running = new Set<number>();
const hook = createHook({
  init(id, type, _trigger, timer: { _idleTimeout?: number }) {
    if (type === 'Timeout' && timer._idleTimeout === HOUR_MS) running.add(id);
  },
  destroy: (id) => void running.delete(id),
}).enable();
afterAll(() => void hook.disable());

async function timers(): Promise<number> {
  await nextTurn();
  return running.size;
}

describe('within', () => {
  it('gives what the work gives, also nothing, and leaves no timer', async () => {
    expect(await within(Promise.resolve(7), HOUR_MS, () => 'late')).toBe(7);
    expect(await within(Promise.resolve(undefined), HOUR_MS, () => 'late')).toBeUndefined();
    expect(await timers()).toBe(0);
  });

  it('gives what is to be given when the work is late, also when that comes later', async () => {
    expect(await within(never, 1, () => 'late')).toBe('late');
    expect(await within(never, 1, () => Promise.resolve('later'))).toBe('later');
  });

  it('throws what the work throws, or what its lateness throws', async () => {
    const failure = within(Promise.reject(new Error('failed')), HOUR_MS, () => 'late');
    await expect(failure).rejects.toThrow('failed');
    expect(await timers()).toBe(0);
    const late = within(never, 1, () => {
      throw new Error('too late');
    });
    await expect(late).rejects.toThrow('too late');
    await expect(within(never, 1, () => Promise.reject(new Error('too late')))).rejects.toThrow('too late');
  });

  it('drops a rejection of work that nothing waits for any more', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const work = Promise.withResolvers<void>();
    await within(work.promise, 1, () => undefined);
    work.reject(new Error('afterwards'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('ends when the signal aborts, also when that was before, and leaves no listener', async () => {
    const hurry = new AbortController();
    const waiting = within(never, HOUR_MS, () => 'late', hurry.signal);
    expect(getEventListeners(hurry.signal, 'abort')).toHaveLength(1);
    expect(await timers()).toBe(1);
    hurry.abort();
    expect(await waiting).toBe('late');
    expect(await within(never, HOUR_MS, () => 'late', hurry.signal)).toBe('late');
    expect(getEventListeners(hurry.signal, 'abort')).toEqual([]);
  });
});

describe('waitAtMost', () => {
  it('ends with the work and leaves no timer', async () => {
    await waitAtMost(Promise.resolve(), HOUR_MS);
    expect(await timers()).toBe(0);
  });

  it('ends at the limit although the work does not', async () => {
    await waitAtMost(never, 1);
    await expect(waitAtMost(Promise.reject(new Error('failed')), HOUR_MS)).rejects.toThrow('failed');
  });

  it('ends when the signal aborts, also when that was before', async () => {
    const hurry = new AbortController();
    const waiting = waitAtMost(never, HOUR_MS, hurry.signal);
    expect(await timers()).toBe(1);
    hurry.abort();
    await waiting;
    await waitAtMost(never, HOUR_MS, hurry.signal);
    expect(hurry.signal.aborted).toBe(true);
  });
});

describe('pause', () => {
  it('ends at its time, and when the signal aborts, also when that was before', async () => {
    const ended = new AbortController();
    await pause(1, ended.signal);
    const pausing = pause(HOUR_MS, ended.signal);
    expect(await timers()).toBe(1);
    ended.abort();
    await pausing;
    await pause(HOUR_MS, ended.signal);
    expect(await timers()).toBe(0);
  });
});
