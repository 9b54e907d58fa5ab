import { describe, expect, it } from '@jest/globals';
import {
  aDelivery,
  aLoadedExecution,
  aTakenDelivery,
  aJob,
  OUR_TURN,
} from '../../test/support/deliveries.js';
import { type Execution, NO_CHILDREN } from '../contract/execution.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { CancelledError, InterruptedError, type Stops } from '../executor/cancellation.js';
import type { ExecutionListener, ExecutorService } from '../executor/executor.service.js';
import type { SelfTestService } from '../executor/self-test.service.js';
import { type AttemptReport, type Cancelled, codeOf, unrunReport } from '../outcome/attempt-report.js';
import { parseJob } from '../queue/parse-job.js';
import type { ExecutionLedger } from '../results/execution-ledger.js';
import type { ExecutionUpdates } from '../results/clients/execution-updates.js';
import type { LogWriter } from '../results/logs/log-writer.js';
import type { Quotas, UsedUp } from '../tenants/usage/quotas.js';
import { Attempt } from './attempt.js';

const CANCEL = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };
type Execute = (execution: Execution, stops: Stops, listener: ExecutionListener) => Promise<AttemptReport>;

/** An attempt whose executor does this, and what it wrote down. */
function anAttempt(execute: Execute, usedUp: UsedUp | null = null) {
  const noted: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      noted.push([name, ...args]);
      return Promise.resolve();
    };
  const log = { progress: note('log progress'), add: () => null };
  const attempt = new Attempt(
    { execute } as unknown as ExecutorService,
    {
      noteProgress: note('progress'),
      pin: note('pin'),
      noteGiven: note('given'),
    } as unknown as ExecutionLedger,
    { open: () => log, close: note('close log') } as unknown as LogWriter,
    { started: () => undefined } as unknown as ExecutionUpdates,
    {
      ofResult: (network = 'outlet') => ({ level: 'process', grade: 'B', network }),
    } as unknown as SelfTestService,
    { refusing: () => Promise.resolve(usedUp) } as unknown as Quotas,
  );
  return { attempt, noted };
}

const never: Execute = () => Promise.reject(new Error('must not run'));

describe('Attempt, of what is not to run', () => {
  it.each<[string, Parameters<typeof aTakenDelivery>[0], object]>([
    [
      'workers died over it',
      { turn: { kind: 'exhausted', run: 1, attempt: 2, starts: 2, cancel: null } },
      { finding: { code: 'STALLED_OUT' } },
    ],
    [
      'workers died over it, and it is to end',
      { turn: { kind: 'exhausted', run: 1, attempt: 2, starts: 2, cancel: CANCEL } },
      { finding: null, cancel: { request: CANCEL, ended: 'not started again' } },
    ],
    [
      'its job cannot be read',
      { request: parseJob(aJob({ data: 1 })) },
      { finding: { code: 'INVALID_JOB' }, evidence: { field: 'data' } },
    ],
    [
      'a child has failed it',
      {
        family: {
          children: NO_CHILDREN,
          pending: false,
          failed: { jobId: '8', queue: 'q', executionId: null, error: 'no' },
        },
      },
      { finding: { code: 'CHILD_FAILED' }, evidence: { child: { job_id: '8' } } },
    ],
  ])('reports without starting anything that %s', async (_what, changes, report) => {
    expect(await anAttempt(never).attempt.run(aTakenDelivery(changes))).toMatchObject(report);
  });
});

describe('Attempt', () => {
  it('reports what the executor saw, of which subject, on which runner and how isolated', async () => {
    let asked: Execution | undefined;
    const { attempt, noted } = anAttempt((execution, _stops, listener) => {
      asked = execution;
      listener.onRunner({ id: 'r-1', start: 'fork' });
      listener.onPinned(5);
      listener.onProgress({ fraction: 0.5, message: null });
      return Promise.resolve(unrunReport({ code: 'USER_ERROR', message: 'no' }));
    });
    const report = await attempt.run(aTakenDelivery({ turn: { ...OUR_TURN, attempt: 2 } }));
    expect(asked).toMatchObject({ id: 'e-1', attempt: 2, run: 1, generation: 4, flow: NO_CHILDREN });
    expect(report).toMatchObject({
      finding: { code: 'USER_ERROR' },
      runnerId: 'r-1',
      subject: { workflow_id: 'wf' },
      holdsNoSecrets: true,
      isolation: { network: 'none' },
    });
    expect(noted).toContainEqual(['given', 'e-1']);
    expect(noted).toContainEqual(['pin', 'e-1', 5]);
    expect(noted).toContainEqual(['progress', 'e-1', { fraction: 0.5, message: null }]);
  });

  it('says that there are secrets to be removed', async () => {
    const loading = Promise.resolve(aLoadedExecution({ secrets: { KEY: 'x' } }));
    const { attempt } = anAttempt(() => Promise.resolve(unrunReport(null)));
    expect((await attempt.run(aTakenDelivery({ loading }))).holdsNoSecrets).toBe(false);
  });

  it('reports a context that is refused, and no subject', async () => {
    const loading = Promise.reject(new Refusal('CONTEXT_NOT_FOUND', 'gone'));
    const report = await anAttempt(never).attempt.run(aTakenDelivery({ loading }));
    expect(report).toMatchObject({ finding: { code: 'CONTEXT_NOT_FOUND' } });
    expect([report.subject, report.holdsNoSecrets]).toEqual([undefined, undefined]);
  });

  it('does not begin new work of an organization that has used up a quota', async () => {
    const usedUp = {
      organization: 'acme',
      quota: 'cpu_seconds',
      limit: 60,
      used: 61.5,
      resetsAt: new Date('2026-03-02T00:00:00.000Z'),
    } as const;
    const { organization } = usedUp;
    const loading = Promise.resolve(aLoadedExecution({ organization: { id: organization } }));
    const report = await anAttempt(never, usedUp).attempt.run(aTakenDelivery({ loading }));
    expect(report).toMatchObject({
      finding: {
        code: 'QUOTA_EXCEEDED',
        message: expect.stringContaining(
          '61.5 of 60 cpu_seconds of this day; the quota begins anew at 2026-03-02T00',
        ),
      },
      subject: { organization: { id: 'acme' } },
    });
    const ran = anAttempt(() => Promise.resolve(unrunReport(null)), usedUp).attempt;
    const later = await ran.run(aTakenDelivery({ loading, turn: { ...OUR_TURN, attempt: 2 } }));
    expect(later.finding).toBeNull();
  });

  const again = { ...OUR_TURN, attempt: 2, cancel: CANCEL };
  it.each<[Error, typeof OUR_TURN, Cancelled['ended']]>([
    [new CancelledError('x'), OUR_TURN, 'before start'],
    [new CancelledError('x'), { ...OUR_TURN, cancel: CANCEL }, 'before start'],
    [new CancelledError('x'), again, 'not started again'],
    [new InterruptedError('x'), OUR_TURN, 'not started again'],
    [new Error('bug'), OUR_TURN, 'before start'],
  ])(
    'reports the cancellation where there is one, whatever was thrown: %s, %j',
    async (error, turn, ended) => {
      const { attempt, noted } = anAttempt(() => Promise.reject(error));
      const { stops } = aDelivery();
      stops.cancellation.ask(CANCEL);
      const report = await attempt.run(aTakenDelivery({ stops, turn }));
      expect([report.cancel, codeOf(report)]).toEqual([{ request: CANCEL, ended }, 'CANCELLED']);
      expect(noted).toContainEqual(['close log', 'e-1']);
    },
  );

  it("throws a fault of the worker's own once, and reports the second", async () => {
    const fault = new Error('disk full');
    const { attempt } = anAttempt(() => Promise.reject(fault));
    await expect(attempt.run(aTakenDelivery())).rejects.toThrow(fault);
    const second = await attempt.run(aTakenDelivery({ turn: { ...OUR_TURN, attempt: 2 } }));
    expect(second).toMatchObject({ finding: { code: 'INTERNAL' }, subject: { workflow_id: 'wf' } });
  });
});
