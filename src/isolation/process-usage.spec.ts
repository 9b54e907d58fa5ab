import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { ProcessProbe, usageBetween } from './process-usage.js';

let probe: ProcessProbe;
beforeEach(() => {
  jest.useFakeTimers();
  probe = new ProcessProbe(process.pid);
});
afterEach(() => {
  probe.close();
  jest.useRealTimers();
});

it('reads once for executions that follow each other closely', () => {
  const first = probe.rest();
  expect(first?.memoryMb).toBeGreaterThan(1);
  jest.advanceTimersByTime(24);
  expect(probe.rest()).toBe(first);
  jest.advanceTimersByTime(1);
  expect(probe.rest()).not.toBe(first);
});

it('counts from what was read, and what executions since were charged with', () => {
  const { userMs, systemMs } = probe.rest() as { userMs: number; systemMs: number };
  expect(probe.start()).toEqual({ userMs, systemMs });
  probe.charge({ userMs: 3, systemMs: 1 });
  probe.charge({ userMs: 4, systemMs: 2 });
  expect(probe.start()).toEqual({ userMs: userMs + 7, systemMs: systemMs + 3 });
  // What is read now has all of that in it.
  jest.advanceTimersByTime(25);
  const next = probe.rest() as { userMs: number; systemMs: number };
  expect(probe.start()).toEqual({ userMs: next.userMs, systemMs: next.systemMs });
});

it('takes a process that was just forked for new, and reads it when it has served', () => {
  probe.restNew();
  expect(probe.start()).toEqual({ userMs: 0, systemMs: 0 });
  expect(probe.rest()?.memoryMb).toBeGreaterThan(1);
});

it('reads at the start what was never read before, and says nothing of a process that is gone', () => {
  expect(probe.start()?.userMs).toBeGreaterThan(0);
  const gone = new ProcessProbe(2 ** 30);
  expect([gone.rest(), gone.start(), gone.usage(), gone.memoryMb()]).toEqual([null, null, null, null]);
});

it('finds no usage below zero, whatever was charged before', () => {
  expect(usageBetween({ userMs: 50, systemMs: 1 }, { userMs: 40, systemMs: 3, peakMb: 9 })).toEqual({
    userMs: 0,
    systemMs: 2,
    peakMb: 9,
  });
  expect(usageBetween({ userMs: 50, systemMs: 1 }, null)).toBeNull();
});
