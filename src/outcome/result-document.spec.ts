import { describe, expect, it } from '@jest/globals';
import { aResult, anEnd, anError, anExit, KILLED, LIMITS } from '../../test/support/runners/run-ends.js';
import type { CancellationReceipt } from '../contract/cancellation.js';
import { type ExecutionResult, resultSchema } from '../contract/result.js';
import { NO_SUBJECT } from '../contract/subject.js';
import { attemptRecord } from './attempt-record.js';
import { type AttemptReport, cancelledReport } from './attempt-report.js';
import { type Finding, judge } from './judge.js';
import { OriginalPlaces } from './original-places.js';
import { Redactor } from './redaction/redactor.js';
import { resultDocument, type ResultIdentity } from './result-document.js';
import type { RunEnd, Verdict } from './run-end.js';

const TIMING = {
  startedAt: new Date('2026-03-01T10:00:00.000Z'),
  finishedAt: new Date('2026-03-01T10:00:02.500Z'),
};
const IDENTITY: ResultIdentity = {
  executionId: 'e-1',
  workerId: 'w-1',
  run: 1,
  attempt: 1,
  starts: 1,
  times: { queue: 17, delay: null, backoff: null },
};

/** The document of an attempt of which nothing was seen but this. */
const documentOf = (
  report: Partial<AttemptReport>,
  identity: Partial<ResultIdentity> = {},
): ExecutionResult => resultDocument({ ...IDENTITY, ...identity }, { ...TIMING, finding: null, ...report });

/** What was seen of code that ended so. */
const ranTo = (end: RunEnd, finding = judge(end, LIMITS, false)): Pick<AttemptReport, 'run' | 'finding'> => ({
  finding,
  run: { end, limits: LIMITS, originals: OriginalPlaces.none },
});

describe('the result of code that ran', () => {
  it('describes a success', () => {
    const logs = [
      { ts: '2026-03-01T10:00:00.100Z', level: 'info', stream: 'stdout' as const, message: 'hello' },
    ];
    const end = anEnd({
      report: { ...aResult({ n: 1 }), variables: { seen: true } },
      exit: KILLED,
      stdout: 'hello\n',
      logs,
      logsTruncated: true,
      loadMs: 3.24159,
      peakMb: 50,
    });
    expect(documentOf(ranTo(end, null))).toEqual({
      execution_id: 'e-1',
      worker_id: 'w-1',
      attempt: 1,
      starts: 1,
      queued_ms: 17,
      ...NO_SUBJECT,
      success: true,
      status: 'succeeded',
      result: { n: 1 },
      error: null,
      error_type: null,
      failure: null,
      duration_ms: 1234.57,
      started_at: '2026-03-01T10:00:00.000Z',
      finished_at: '2026-03-01T10:00:02.500Z',
      logs,
      logs_truncated: true,
      progress: null,
      stdout: 'hello\n',
      stderr: '',
      exit_code: 0,
      variables: { seen: true },
      metrics: {
        queue_ms: 17,
        peak_memory_mb: 61.24,
        user_time_seconds: 0.12,
        system_time_seconds: 0.03,
        peak_memory_bytes: 64_214_794,
        cpu_user_seconds: 0.12,
        cpu_system_seconds: 0.03,
        cpu_total_seconds: 0.15,
        module_load_ms: 3.24,
        run_ms: 1234.57,
      },
      workspace_generation: null,
      package_set: null,
    });
  });

  it('gives null where nothing was returned', () => {
    expect(documentOf(ranTo(anEnd({ report: aResult() }), null)).result).toBeNull();
    expect(documentOf(ranTo(anEnd({ report: anExit(0) }), null)).result).toBeNull();
  });

  it.each<[Verdict, string, number | null]>([
    ['timeout', 'timed_out', 124],
    ['interrupted', 'cancelled', null],
    ['memory', 'failed', null],
    ['output', 'failed', null],
    ['protocol', 'failed', null],
  ])('of %s has the status %s, and no result although one was reported', (verdict, status, exitCode) => {
    const end = anEnd({ verdict, report: aResult('late'), exit: KILLED });
    expect(documentOf(ranTo(end))).toMatchObject({
      success: false,
      status,
      result: null,
      exit_code: exitCode,
    });
  });

  it('says the same of a failure for programs and for people', () => {
    const end = anEnd({ report: anError(), exit: KILLED });
    expect(documentOf(ranTo(end))).toMatchObject({
      error: 'no',
      error_type: 'TypeError',
      exit_code: 1,
      failure: { code: 'USER_ERROR', message: 'no', stack: anError().stack },
    });
  });

  it('shows how the process ended only where that was not our doing', () => {
    const evidence = (changes: Partial<RunEnd>) => {
      const end = anEnd({ exit: KILLED, ...changes });
      return documentOf(ranTo(end)).failure?.evidence;
    };
    expect(evidence({})).toEqual({ exit_code: null, signal: 'SIGKILL' });
    expect(evidence({ report: anExit(2), exit: { exitCode: 2, signal: null } })).toEqual({
      exit_code: 2,
      signal: null,
    });
    expect(evidence({ report: anError() })).toEqual({});
    expect(evidence({ verdict: 'timeout' })).toEqual({ limit: '1.5 s of time' });
  });

  it.each<[string, Partial<RunEnd>]>([
    ['1.5 s of time', { verdict: 'timeout' }],
    ['0.7 s of CPU time', { verdict: 'cpu' }],
    ['256 MB of memory', { verdict: 'memory' }],
    ['256 MB of memory', { outOfMemory: true }],
    ['256 MB of memory', { stderr: 'Fatal JavaScript out of memory: Ineffective mark-compacts' }],
    ['256 MB of memory', { report: anError({ limit: 'memory' }) }],
    ['4096 bytes of output kept', { verdict: 'output' }],
    ['4096 bytes of a returned value', { report: anError({ code: 'OUTPUT_LIMIT' }) }],
    ['64 MB in one file', { report: anError({ limit: 'file-size' }) }],
    ['100 open files', { report: anError({ limit: 'open-files' }) }],
    ['no processes or threads of its own', { report: anError({ limit: 'processes' }) }],
  ])('names the limit %s', (limit, changes) => {
    const end = anEnd({ exit: KILLED, ...changes });
    expect(documentOf(ranTo(end)).failure?.evidence.limit).toBe(limit);
  });

  it('says that code waited only of a time limit: CPU time is not used up by waiting', () => {
    const trace = { kind: 'waiting', resources: [] } as const;
    const evidence = (verdict: Verdict) => {
      const end = anEnd({ verdict, trace: { ...trace, resources: [] }, exit: KILLED });
      return documentOf(ranTo(end)).failure?.evidence.waiting;
    };
    expect(evidence('timeout')).toMatch(/never settled/);
    expect(evidence('cpu')).toBeUndefined();
  });

  it('keeps the end of stderr and the memory samples as evidence', () => {
    const end = anEnd({ verdict: 'memory', stderr: `${'x'.repeat(10_000)}END`, memorySamplesMb: [80, 300] });
    const evidence = documentOf(ranTo(end)).failure?.evidence;
    expect(evidence?.stderr_tail).toHaveLength(8192);
    expect(evidence?.stderr_tail).toMatch(/xEND$/);
    expect(evidence?.memory_samples_mb).toEqual([80, 300]);
  });

  it("takes the kernel's word for the usage of a runner that could not report it", () => {
    const end = anEnd({
      verdict: 'timeout',
      kernelUsage: { userMs: 1400, systemMs: 20, peakMb: 90 },
      peakMb: 90,
    });
    expect(documentOf(ranTo(end, judge(end, LIMITS, true))).metrics).toEqual({
      queue_ms: 17,
      peak_memory_mb: 90,
      user_time_seconds: 1.4,
      system_time_seconds: 0.02,
      peak_memory_bytes: 94_371_840,
      cpu_user_seconds: 1.4,
      cpu_system_seconds: 0.02,
      cpu_total_seconds: 1.42,
      module_load_ms: null,
      run_ms: 1234.57,
    });
    expect(documentOf(ranTo(anEnd(), null)).metrics).toMatchObject({ user_time_seconds: null });
  });
});

describe('the result of an execution whose code never ran', () => {
  it('says what it failed of and what was seen of that', () => {
    const finding: Finding = { code: 'INVALID_JOB', message: 'bad' };
    expect(documentOf({ finding, evidence: { field: 'code' } })).toMatchObject({
      success: false,
      status: 'failed',
      result: null,
      error: 'bad',
      error_type: 'InvalidJob',
      failure: { code: 'INVALID_JOB', message: 'bad', stack: null, evidence: { field: 'code' } },
      duration_ms: 2500,
      exit_code: null,
      stdout: '',
      metrics: { queue_ms: 17 },
    });
  });

  it('carries an exit code and a type where they are known', () => {
    const finding: Finding = { code: 'MODULE_NOT_FOUND', message: 'gone', errorType: 'E', exitCode: 1 };
    expect(documentOf({ finding })).toMatchObject({ error_type: 'E', exit_code: 1 });
  });
});

const ASKED = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };
const SIGNALLED = new Date('2026-03-01T10:00:01.000Z');
const KILLED_AT = new Date('2026-03-01T10:00:02.000Z');

describe('the result of an execution that was asked to end while its code ran', () => {
  const cancelled = (end: RunEnd): ExecutionResult =>
    documentOf({
      ...ranTo(end),
      cancel: { request: ASKED, ended: end.cancel?.killedAt ? 'killed' : 'by itself' },
    });

  it.each<[string, Partial<RunEnd>, CancellationReceipt['ended']]>([
    ['returned', { report: aResult(7) }, 'by itself'],
    ['threw', { report: anError() }, 'by itself'],
    ['was killed', { verdict: 'cancelled' }, 'killed'],
    ['reached its time limit', { verdict: 'timeout' }, 'killed'],
    ['was interrupted by a drain', { verdict: 'interrupted' }, 'killed'],
    ['crashed', { exit: { exitCode: null, signal: 'SIGSEGV' } }, 'by itself'],
  ])('is cancelled when it %s', (_what, changes, ended) => {
    const killedAt = ended === 'killed' ? KILLED_AT : null;
    expect(cancelled(anEnd({ ...changes, cancel: { signalledAt: SIGNALLED, killedAt } }))).toMatchObject({
      success: false,
      status: 'cancelled',
      error: 'The execution was cancelled: enough',
      error_type: 'CancelledError',
      failure: { code: 'CANCELLED', message: 'The execution was cancelled: enough' },
      cancellation: {
        asked_at: ASKED.askedAt,
        reason: 'enough',
        signalled_at: SIGNALLED.toISOString(),
        ended,
        killed_at: killedAt?.toISOString() ?? null,
      },
    });
  });

  it('keeps what it returned, or where it threw', () => {
    const cancel = { signalledAt: SIGNALLED, killedAt: null };
    expect(cancelled(anEnd({ cancel, report: aResult(7) })).result).toBe(7);
    const thrown = cancelled(anEnd({ cancel, report: anError() }));
    expect([thrown.result, thrown.failure?.stack]).toEqual([null, expect.stringContaining('main.ts:1:1')]);
  });
});

describe('the result of an execution that was asked to end while no code of it ran', () => {
  it('has a receipt without signal and kill', () => {
    const report = cancelledReport({ ...ASKED, reason: null }, 'before start');
    expect(resultDocument(IDENTITY, report)).toMatchObject({
      success: false,
      status: 'cancelled',
      error: 'The execution was cancelled',
      duration_ms: 0,
      exit_code: null,
      cancellation: { ended: 'before start', reason: null, signalled_at: null, killed_at: null },
    });
  });

  it('keeps what its last attempt left, and not what that failed of', () => {
    const end = anEnd({ report: anError(), stdout: 'printed' });
    const document = documentOf({ ...ranTo(end), cancel: { request: ASKED, ended: 'not started again' } });
    expect(document).toMatchObject({
      status: 'cancelled',
      error_type: 'CancelledError',
      exit_code: 1,
      stdout: 'printed',
      failure: { code: 'CANCELLED', stack: null, evidence: {} },
      cancellation: { ended: 'not started again' },
    });
  });

  it('is what it would be anyway where the request came too late', () => {
    const end = anEnd({ report: aResult(7) });
    const { cancellation, ...rest } = documentOf({
      ...ranTo(end),
      cancel: { request: ASKED, ended: 'too late' },
    });
    expect(rest).toEqual(documentOf(ranTo(end)));
    expect(cancellation).toEqual({
      asked_at: ASKED.askedAt,
      reason: 'enough',
      signalled_at: null,
      ended: 'too late',
      killed_at: null,
    });
  });
});

describe('what the document says beside the end', () => {
  const subject = { ...NO_SUBJECT, workflow_id: 'wf', tags: ['a'] };
  const isolation = { level: 'process', grade: 'B', network: 'none' } as const;
  const tick = { schedule: 'nightly', dueMs: Date.parse('2026-03-01T02:00:00.000Z') };

  it.each<[string, Partial<ResultIdentity>, Partial<AttemptReport>, object]>([
    ['its worker and attempt', { workerId: 'w-2', attempt: 3 }, {}, { worker_id: 'w-2', attempt: 3 }],
    ['a further run', { run: 2 }, {}, { run: 2 }],
    ['the tick', { tick }, {}, { schedule: { id: 'nightly', due_at: '2026-03-01T02:00:00.000Z' } }],
    ['its subject', {}, { subject }, { workflow_id: 'wf', tags: ['a'] }],
    ['its isolation', {}, { isolation }, { isolation }],
    [
      'what it ran with',
      {},
      { generation: 4, packageSet: 's' },
      { workspace_generation: 4, package_set: 's' },
    ],
    [
      'the receipt of queue and worker',
      { times: { queue: 5, delay: 6, backoff: 7 } },
      { metrics: { prepare_ms: 8 } },
      { queued_ms: 5, metrics: { queue_ms: 5, delay_ms: 6, backoff_ms: 7, prepare_ms: 8 } },
    ],
    [
      'that the wait is not known',
      { times: { queue: null, delay: null, backoff: null } },
      {},
      { queued_ms: 0, metrics: { queue_ms: null } },
    ],
    [
      'that another attempt cannot help',
      {},
      { finding: { code: 'USER_ERROR', message: 'no', final: true } },
      { failure: { retryable: false } },
    ],
  ])('%s', (_what, identity, report, expected) => {
    const document = documentOf(report, identity);
    expect(document).toMatchObject(expected);
    expect(resultSchema.safeParse(document).error).toBeUndefined();
  });

  it('nothing of a first run, a schedule, a cancellation or attempts where there is none', () => {
    const document = documentOf({ isolation: undefined });
    for (const field of ['run', 'schedule', 'cancellation', 'attempts', 'isolation'])
      expect(document).not.toHaveProperty(field);
  });

  it('all attempts where there was more than one', () => {
    const first = documentOf({ finding: { code: 'USER_ERROR', message: 'no' } });
    const last = documentOf({}, { attempt: 2, earlier: [attemptRecord(first)] });
    expect(last.attempts).toMatchObject([
      { attempt: 1, status: 'failed', error: 'no' },
      { attempt: 2, status: 'succeeded', error: null },
    ]);
  });
});

describe('secrets', () => {
  const SECRET = 'sesame-4711';
  const redactor = new Redactor([SECRET, 'USER_ERROR', 'by itself']);

  it.each<[string, Partial<AttemptReport>]>([
    ['its value', ranTo(anEnd({ report: aResult({ [SECRET]: SECRET }) }))],
    ['its variables', ranTo(anEnd({ report: { ...aResult(), variables: { a: SECRET } } }))],
    ['its error', ranTo(anEnd({ report: anError({ message: SECRET, stack: SECRET, name: SECRET }) }))],
    ['evidence', { finding: { code: 'INVALID_JOB', message: 'm' }, evidence: { field: SECRET } }],
    ['the reason of a cancel', { cancel: { request: { ...ASKED, reason: SECRET }, ended: 'before start' } }],
  ])('are in no place of the document: %s', (_where, report) => {
    const document = documentOf({ ...report, redactor }, { attempt: 2, earlier: [] });
    expect(JSON.stringify(documentOf(report))).toContain(SECRET);
    expect(JSON.stringify(document)).not.toContain(SECRET);
    expect(JSON.stringify(attemptRecord(document))).not.toContain(SECRET);
  });

  it('do not change the names that programs rely on', () => {
    const cancel = { signalledAt: SIGNALLED, killedAt: null };
    const ended = documentOf({
      ...ranTo(anEnd({ cancel })),
      cancel: { request: ASKED, ended: 'by itself' },
      redactor,
    });
    expect(ended.cancellation?.ended).toBe('by itself');
    expect(documentOf({ ...ranTo(anEnd({ report: anError() })), redactor }).failure?.code).toBe('USER_ERROR');
  });
});
