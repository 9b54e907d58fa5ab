import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { aJob, aTakenDelivery, OUR_TURN } from '../../test/support/deliveries.js';
import { aDocument, anOutcome, settingsOf } from '../../test/support/parts.js';
import { aResult, anEnd, LIMITS } from '../../test/support/runners/run-ends.js';
import type { CancelRequest } from '../contract/cancellation.js';
import type { ExecutionResult } from '../contract/result.js';
import type { SelfTestService } from '../executor/self-test.service.js';
import type { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { type AttemptReport, unrunReport } from '../outcome/attempt-report.js';
import { OriginalPlaces } from '../outcome/original-places.js';
import type { ExecutionLedger } from '../results/execution-ledger.js';
import type { EndAtOnce } from '../results/at-once/end-at-once.js';
import type { LogWriter } from '../results/logs/log-writer.js';
import { ResultAuthor } from '../results/result-author.js';
import type { ResultPublisher } from '../results/result-publisher.js';
import { Ending } from './ending.js';
import { AttemptFailedError, ExecutionFailedError } from './job-decisions.js';
import { resultSettings } from '../config/slices.js';

Logger.overrideLogger(false);

const CANCEL: CancelRequest = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };
const FAILED = unrunReport({ code: 'USER_ERROR', message: 'no', stack: 'at f' });
const RETURNED: AttemptReport = unrunReport(null, {
  run: { end: anEnd({ report: aResult({ n: 1 }) }), limits: LIMITS, originals: OriginalPlaces.none },
});

/** What was asked of the ledger and the publisher, in order. */
let calls: unknown[][];
let published: ExecutionResult | undefined;
let noted: CancelRequest | null;
let unusedStart: number | null;
let ending: Ending;

beforeEach(() => {
  calls = [];
  published = undefined;
  noted = null;
  unusedStart = null;
  const call =
    <T>(name: string, answer: () => T) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
      return Promise.resolve(answer());
    };
  const ledger = {
    free: call('free', () => noted),
    release: call('release', () => undefined),
    earlierAttempts: call('earlier', () => []),
    unusedStart: () => unusedStart,
  };
  const results = {
    publish: (document: ExecutionResult, posting: object) => {
      calls.push(['publish', posting]);
      return Promise.resolve((published = document));
    },
    resend: call('resend', () => undefined),
    countAttempt: () => Promise.resolve(),
    keyOf: (id: string) => `key:${id}`,
  };
  ending = new Ending(
    ledger as unknown as ExecutionLedger,
    new ResultAuthor(resultSettings.of(settingsOf({ WORKER_ID: 'w-1' }))),
    results as unknown as ResultPublisher,
    { close: call('close log', () => undefined) } as unknown as LogWriter,
    { record: () => undefined } as unknown as WorkerStatistics,
    { ofResult: () => ({ level: 'process', grade: 'B', network: 'none' }) } as unknown as SelfTestService,
    { tryEnd: call('end at once', () => false) } as unknown as EndAtOnce,
  );
});

const names = (): unknown[] => calls.map(([name]) => name);

describe('Ending', () => {
  it('publishes the one result and ends the job with its value', async () => {
    const delivery = aTakenDelivery();
    expect(await ending.end(delivery, { ...RETURNED, holdsNoSecrets: true })).toEqual({ n: 1 });
    expect(calls).toEqual([
      [
        'publish',
        {
          kind: 'execution',
          mark: delivery.mark,
          holdsNoSecrets: true,
          sync: false,
          unusedStart: null,
          webhook: null,
        },
      ],
      ['release', 'e-1'],
    ]);
    expect(published).toMatchObject({
      execution_id: 'e-1',
      worker_id: 'w-1',
      status: 'succeeded',
      starts: 1,
      queued_ms: 5,
      isolation: { grade: 'B' },
    });
    // Also where BullMQ cannot complete it, the job is not delivered again.
    expect(delivery.job.opts.attempts).toBe(1);
  });

  it('does not show a start whose code reached no runner', async () => {
    unusedStart = 3;
    await expect(ending.end(aTakenDelivery({ starts: 3 }), FAILED)).rejects.toThrow(ExecutionFailedError);
    expect(published).toMatchObject({ starts: 2 });
    expect(calls[0]).toEqual(['publish', expect.objectContaining({ unusedStart: 3 })]);
  });

  it('fails the job with the error of its execution, for good', async () => {
    const job = aJob();
    await expect(ending.end(aTakenDelivery({ job }), FAILED)).rejects.toThrow(ExecutionFailedError);
    expect(published).toMatchObject({ status: 'failed', failure: { code: 'USER_ERROR' } });
    expect(job.lines).toEqual([expect.stringContaining('USER_ERROR: no')]);
  });

  it('gives a failed attempt back for the next one where the job asks for more', async () => {
    const job = aJob({ opts: { attempts: 3, backoff: { type: 'fixed', delay: 50 } } });
    const delivery = aTakenDelivery({ job });
    const failing = ending.end(delivery, FAILED);
    await expect(failing).rejects.toThrow(AttemptFailedError);
    await expect(failing).rejects.toMatchObject({ message: 'no', stack: 'at f' });
    const record = expect.objectContaining({ attempt: 1, worker_id: 'w-1', error: 'no' });
    expect(calls).toEqual([
      ['free', 'e-1', { run: 1, counted: true, failed: { record, mark: delivery.mark }, pauseMs: 50 }],
      ['close log', 'e-1'],
    ]);
    expect(job.opts.backoff).toEqual({ type: 'fixed', delay: 50 });
  });

  it('tries nothing again that is to end: the ledger has the request', async () => {
    noted = CANCEL;
    const delivery = aTakenDelivery({ job: aJob({ opts: { attempts: 3 } }) });
    await expect(ending.end(delivery, FAILED)).rejects.toThrow(ExecutionFailedError);
    expect(names()).toEqual(['free', 'publish', 'release']);
    expect(published).toMatchObject({ status: 'cancelled', cancellation: { ended: 'not started again' } });
  });

  it('says of a request that it came too late', async () => {
    const delivery = aTakenDelivery();
    delivery.stops.cancellation.ask(CANCEL);
    await ending.end(delivery, RETURNED);
    expect(published).toMatchObject({ status: 'succeeded', cancellation: { ended: 'too late' } });
  });

  it('ends what is to end although its attempt came to no report', async () => {
    await expect(ending.cancel(aTakenDelivery({ attempt: 2 }), CANCEL)).rejects.toThrow('enough');
    expect(names()).toEqual(['earlier', 'publish', 'release']);
    expect(published).toMatchObject({ attempt: 2, status: 'cancelled' });
  });

  it('takes a report that cannot be written for a fault: thrown once, then the result', async () => {
    const broken = { ...RETURNED, startedAt: new Date(Number.NaN) };
    await expect(ending.end(aTakenDelivery(), broken)).rejects.toThrow(RangeError);
    expect(published).toBeUndefined();
    const second = aTakenDelivery({ attempt: 2, turn: { ...OUR_TURN, attempt: 2 } });
    await expect(ending.end(second, broken)).rejects.toThrow(ExecutionFailedError);
    expect(published).toMatchObject({ failure: { code: 'INTERNAL' } });
  });
});

describe('Ending.repeat', () => {
  const result = aDocument('e-1', anOutcome(7));

  it('ends the job as its execution ended, once that result is sent', async () => {
    const delivery = aTakenDelivery();
    const ended = { kind: 'ended', repeat: 'redelivered', result } as const;
    const { job, request } = delivery;
    expect(await ending.repeat({ job, request }, ended)).toBe(7);
    expect(names()).toEqual(['resend']);
  });

  it('notes in the job that it ends without a run of its own', async () => {
    const job = aJob();
    const { request } = aTakenDelivery();
    await ending.repeat({ job, request }, { kind: 'ended', repeat: 'standing', result });
    expect(job.lines).toEqual([expect.stringContaining('Not run: e-1 has had its result')]);
  });

  it('ends with nothing where the execution was deleted', async () => {
    const job = aJob();
    const { request } = aTakenDelivery();
    const ended = { kind: 'ended', repeat: 'standing', result: null } as const;
    expect(await ending.repeat({ job, request }, ended)).toBeNull();
    expect(job.opts.attempts).toBe(1);
  });
});
