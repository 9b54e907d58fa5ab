import { describe, expect, it } from '@jest/globals';
import { aJob, aLoadedExecution, OUR_TURN } from '../../test/support/deliveries.js';
import { ContextService } from '../context/context.service.js';
import type { ExecutorService } from '../executor/executor.service.js';
import type { CancelRequests } from '../results/cancel-requests.js';
import type { FirstCommand, FirstDelivery, FirstReads } from '../results/at-once/first-command.js';
import type { NextJobs } from '../results/at-once/next-jobs.js';
import { DeliveryOpener } from './delivery-opener.js';
import type { FlowChildrenReader } from './flow-children.js';
import { RunningExecutions } from './running-executions.js';

const away = () => {
  throw new Error('away');
};
const TAKEN: FirstReads = { turn: OUR_TURN, context: 'text', isFlagged: false, generation: 4 };

interface Changes {
  fails?: boolean;
  flagged?: string;
  /** What the first command brings; undefined: there is none. */
  taken?: FirstReads | null;
}

/** An opener, and what it asked for. */
function anOpener({ fails = false, flagged = '', taken }: Changes = {}) {
  const asked: unknown[] = [];
  const running = new RunningExecutions({
    find: () => Promise.resolve({ requests: new Map(), overtaken: [] }),
    findFlag: (id: string) => {
      asked.push('flag');
      return Promise.resolve(id === flagged ? { askedAt: 'now', reason: null } : null);
    },
  } as unknown as CancelRequests);
  const contexts = {
    load: fails ? away : (id: string) => Promise.resolve(aLoadedExecution({ id })),
    read: (context: string, id: string) => aLoadedExecution({ id, workflowId: context }),
  };
  const executor = {
    currentGeneration: fails ? away : () => Promise.resolve(4),
    hasGenerations: true,
    noteGeneration: (generation: number | null) => asked.push(['generation', generation]),
  };
  const children = { read: fails ? away : () => Promise.resolve(null) };
  const first = {
    isPossible: taken !== undefined,
    take: (delivery: FirstDelivery) => {
      asked.push(delivery);
      return Promise.resolve(taken);
    },
  };
  const opener = new DeliveryOpener(
    contexts as unknown as ContextService,
    executor as unknown as ExecutorService,
    children as unknown as FlowChildrenReader,
    running,
    first as unknown as FirstCommand,
    {} as NextJobs,
    { toKey: (id: string) => `bull:q:${id}` },
  );
  return { opener, running, asked };
}

describe('DeliveryOpener', () => {
  it('reads the job and what the steps need of it', async () => {
    const delivery = anOpener().opener.open(aJob(), 'token');
    using _delivery = delivery.stops;
    expect(delivery).toMatchObject({
      token: 'token',
      request: { executionId: 'e-1', kind: 'execution' },
      mark: { jobId: '7', addedAtMs: 1, ends: 0, stalls: 0 },
    });
    expect(delivery.stops.interruption.request).toBeNull();
    expect(await delivery.loading).toMatchObject({ id: 'e-1' });
    expect(await delivery.before).toEqual({ generation: 4, family: null, turn: null });
  });

  it('finds the flag of another program before the execution is loaded', async () => {
    const delivery = anOpener({ flagged: 'e-1' }).opener.open(aJob(), 'token');
    using _delivery = delivery.stops;
    await delivery.loading;
    expect(delivery.stops.cancellation.request).toEqual({ askedAt: 'now', reason: null });
    const other = anOpener({ flagged: 'e-2' }).opener.open(aJob(), 'token');
    using _other = other.stops;
    await other.loading;
    expect(other.stops.cancellation.request).toBeNull();
  });

  it('takes the execution with the command that reads what it needs', async () => {
    const { opener, asked } = anOpener({ taken: TAKEN });
    const delivery = opener.open(aJob({ data: { execution_id: 'e-1', again: true } }), 'token');
    using _delivery = delivery.stops;
    expect(await delivery.before).toEqual({ generation: 4, family: null, turn: OUR_TURN });
    expect(await delivery.loading).toMatchObject({ id: 'e-1', workflowId: 'text' });
    const { mark } = delivery;
    const claim = { mark, again: true };
    const first = {
      executionId: 'e-1',
      contextId: 'e-1',
      jobKey: 'bull:q:7',
      claim,
      hasGenerations: true,
      taken: null,
    };
    expect(asked).toEqual([first, ['generation', 4]]);
    expect(delivery.stops.cancellation.request).toBeNull();
  });

  it('finds the flag with the command that took it, and reads a context by itself that did not come along', async () => {
    const { opener, asked } = anOpener({ taken: { ...TAKEN, context: null, isFlagged: true } });
    const delivery = opener.open(aJob(), 'token');
    using _delivery = delivery.stops;
    expect(await delivery.loading).toMatchObject({ id: 'e-1', workflowId: 'wf' });
    expect(delivery.stops.cancellation.request).not.toBeNull();
    expect(asked).not.toContain('flag');
  });

  it('reads what is to be known before it takes the job of a parent, and a tick', async () => {
    const { opener } = anOpener({ taken: null });
    const parent = opener.open(aJob(), 'token');
    using _parent = parent.stops;
    expect(await parent.before).toEqual({ generation: 4, family: null, turn: null });
    const tick = aJob({ id: 'repeat:nightly:1000', repeatJobKey: 'nightly', data: { execution_id: 'e-1' } });
    const other = anOpener({ taken: TAKEN });
    const delivery = other.opener.open(tick, 'token');
    using _delivery = delivery.stops;
    expect(delivery.request.tick).not.toBeNull();
    expect(await delivery.before).toMatchObject({ turn: null });
    expect(other.asked).toEqual(['flag']);
  });

  it('opens a job that cannot be read, as a refusal', async () => {
    const delivery = anOpener().opener.open(aJob({ data: 'no job' }), 'token');
    using _delivery = delivery.stops;
    expect(delivery.request).toMatchObject({ executionId: 'job-7', refusal: { code: 'INVALID_JOB' } });
    await expect(delivery.loading).rejects.toMatchObject({ code: 'INVALID_JOB' });
  });

  it('opens also where nothing can be read; each failure is met where it is awaited', async () => {
    const delivery = anOpener({ fails: true }).opener.open(aJob(), 'token');
    using _delivery = delivery.stops;
    const { loading, before } = delivery;
    // Nothing awaits them yet: a rejection without a handler would end the process of the test.
    await new Promise(setImmediate);
    for (const read of [loading, before]) await expect(read).rejects.toThrow('away');
  });

  it('receives requests to cancel until it is disposed of', () => {
    const { opener, running } = anOpener();
    const delivery = opener.open(aJob(), 'token');
    const request = { askedAt: '2026-03-01T10:00:00.000Z', reason: null };
    expect(running.cancel('e-1', request)).toBe(true);
    expect(delivery.stops.cancellation.request).toEqual(request);
    delivery.stops[Symbol.dispose]();
    expect(running.cancel('e-1', request)).toBe(false);
  });
});
