import { describe, expect, it } from '@jest/globals';
import { aJob, aLoadedExecution } from '../../test/support/deliveries.js';
import { ContextService } from '../context/context.service.js';
import type { ExecutorService } from '../executor/executor.service.js';
import type { CancelRequests } from '../results/cancel-requests.js';
import { DeliveryOpener } from './delivery-opener.js';
import type { FlowChildrenReader } from './flow-children.js';
import { RunningExecutions } from './running-executions.js';

const INTERRUPT = new AbortController().signal;
const away = () => {
  throw new Error('away');
};

function anOpener({ fails = false, flagged = '' } = {}) {
  const running = new RunningExecutions({
    find: () => Promise.resolve({ requests: new Map(), overtaken: [] }),
    findFlag: (id: string) => Promise.resolve(id === flagged ? { askedAt: 'now', reason: null } : null),
  } as unknown as CancelRequests);
  const contexts = { load: fails ? away : (id: string) => Promise.resolve(aLoadedExecution({ id })) };
  const executor = { currentGeneration: fails ? away : () => Promise.resolve(4) };
  const children = { read: fails ? away : () => Promise.resolve(null) };
  const opener = new DeliveryOpener(
    contexts as unknown as ContextService,
    executor as unknown as ExecutorService,
    children as unknown as FlowChildrenReader,
    running,
  );
  return { opener, running };
}

describe('DeliveryOpener', () => {
  it('reads the job and what the steps need of it', async () => {
    using delivery = anOpener().opener.open(aJob(), 'token', INTERRUPT);
    expect(delivery).toMatchObject({
      token: 'token',
      request: { executionId: 'e-1', kind: 'execution' },
      mark: { jobId: '7', addedAtMs: 1, ends: 0, stalls: 0 },
    });
    expect(delivery.stops.interrupt.aborted).toBe(false);
    expect(await delivery.loading).toMatchObject({ id: 'e-1' });
    expect(await Promise.all([delivery.generation, delivery.family])).toEqual([4, null]);
  });

  it('finds the flag of another program before the execution is loaded', async () => {
    using delivery = anOpener({ flagged: 'e-1' }).opener.open(aJob(), 'token', INTERRUPT);
    await delivery.loading;
    expect(delivery.stops.cancellation.request).toEqual({ askedAt: 'now', reason: null });
    using other = anOpener({ flagged: 'e-2' }).opener.open(aJob(), 'token', INTERRUPT);
    await other.loading;
    expect(other.stops.cancellation.request).toBeNull();
  });

  it('opens a job that cannot be read, as a refusal', async () => {
    using delivery = anOpener().opener.open(aJob({ data: 'no job' }), 'token', INTERRUPT);
    expect(delivery.request).toMatchObject({ executionId: 'job-7', refusal: { code: 'INVALID_JOB' } });
    await expect(delivery.loading).rejects.toMatchObject({ code: 'INVALID_JOB' });
  });

  it('opens also where nothing can be read; each failure is met where it is awaited', async () => {
    using delivery = anOpener({ fails: true }).opener.open(aJob(), 'token', INTERRUPT);
    const { loading, generation, family } = delivery;
    // Nothing awaits them yet: a rejection without a handler would end the process of the test.
    await new Promise(setImmediate);
    for (const read of [loading, generation, family]) await expect(read).rejects.toThrow('away');
  });

  it('receives requests to cancel until it is disposed of', () => {
    const { opener, running } = anOpener();
    const delivery = opener.open(aJob(), 'token', INTERRUPT);
    const request = { askedAt: '2026-03-01T10:00:00.000Z', reason: null };
    expect(running.cancel('e-1', request)).toBe(true);
    expect(delivery.stops.cancellation.request).toEqual(request);
    delivery[Symbol.dispose]();
    expect(running.cancel('e-1', request)).toBe(false);
  });
});
