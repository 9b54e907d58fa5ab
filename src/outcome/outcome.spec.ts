import { describe, expect, it } from '@jest/globals';
import { NO_SUBJECT } from '../contract/subject.js';
import { aResult, anEnd, anError, anExit, KILLED, LIMITS } from '../../test/support/run-ends.js';
import { OriginalPlaces } from './original-places.js';
import { type Finding, judge, outcomeOf, refusedOutcome } from './outcome.js';
import type { RunEnd, Verdict } from './run-end.js';

const TIMING = {
  startedAt: new Date('2026-03-01T10:00:00.000Z'),
  finishedAt: new Date('2026-03-01T10:00:02.500Z'),
  limits: LIMITS,
  originals: OriginalPlaces.none,
};
describe('outcomeOf', () => {
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
    expect(outcomeOf(end, null, TIMING)).toEqual({
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
        peak_memory_mb: 61.24,
        user_time_seconds: 0.12,
        system_time_seconds: 0.03,
        module_load_ms: 3.24,
        run_ms: 1234.57,
      },
      workspace_generation: null,
      package_set: null,
    });
  });

  it('gives null where nothing was returned', () => {
    expect(outcomeOf(anEnd({ report: aResult() }), null, TIMING).result).toBeNull();
    expect(outcomeOf(anEnd({ report: anExit(0) }), null, TIMING).result).toBeNull();
  });

  it.each<[Verdict, string, number | null]>([
    ['timeout', 'timed_out', 124],
    ['interrupted', 'cancelled', null],
    ['memory', 'failed', null],
    ['output', 'failed', null],
    ['protocol', 'failed', null],
  ])('of %s has the status %s, and no result although one was reported', (verdict, status, exitCode) => {
    const end = anEnd({ verdict, report: aResult('late'), exit: KILLED });
    expect(outcomeOf(end, judge(end, LIMITS, false), TIMING)).toMatchObject({
      success: false,
      status,
      result: null,
      exit_code: exitCode,
    });
  });

  it('tells the same of a failure for programs and for people', () => {
    const end = anEnd({ report: anError(), exit: KILLED });
    expect(outcomeOf(end, judge(end, LIMITS, false), TIMING)).toMatchObject({
      error: 'no',
      error_type: 'TypeError',
      exit_code: 1,
      failure: { code: 'USER_ERROR', message: 'no', stack: anError().stack },
    });
  });

  it('shows how the process ended only where that was not our doing', () => {
    const evidence = (changes: Partial<RunEnd>) => {
      const end = anEnd({ exit: KILLED, ...changes });
      return outcomeOf(end, judge(end, LIMITS, false), TIMING).failure?.evidence;
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
    expect(outcomeOf(end, judge(end, LIMITS, false), TIMING).failure?.evidence.limit).toBe(limit);
  });

  it('says that code waited only of a time limit: CPU time is not used up by waiting', () => {
    const trace = { kind: 'waiting', resources: [] } as const;
    const evidence = (verdict: Verdict) => {
      const end = anEnd({ verdict, trace: { ...trace, resources: [] }, exit: KILLED });
      return outcomeOf(end, judge(end, LIMITS, false), TIMING).failure?.evidence.waiting;
    };
    expect(evidence('timeout')).toMatch(/never settled/);
    expect(evidence('cpu')).toBeUndefined();
  });

  it('keeps the end of stderr and the memory samples as evidence', () => {
    const end = anEnd({ verdict: 'memory', stderr: `${'x'.repeat(10_000)}END`, memorySamplesMb: [80, 300] });
    const evidence = outcomeOf(end, judge(end, LIMITS, false), TIMING).failure?.evidence;
    expect(evidence?.stderr_tail).toHaveLength(8192);
    expect(evidence?.stderr_tail).toMatch(/xEND$/);
    expect(evidence?.memory_samples_mb).toEqual([80, 300]);
  });

  it("takes the kernel's word for the usage of a runner that could not tell", () => {
    const end = anEnd({
      verdict: 'timeout',
      kernelUsage: { userMs: 1400, systemMs: 20, peakMb: 90 },
      peakMb: 90,
    });
    expect(outcomeOf(end, judge(end, LIMITS, true), TIMING).metrics).toEqual({
      peak_memory_mb: 90,
      user_time_seconds: 1.4,
      system_time_seconds: 0.02,
      module_load_ms: null,
      run_ms: 1234.57,
    });
    expect(outcomeOf(anEnd(), null, TIMING).metrics).toMatchObject({ user_time_seconds: null });
  });
});

describe('refusedOutcome', () => {
  it('describes an execution whose code never ran', () => {
    const outcome = refusedOutcome({ code: 'INVALID_JOB', message: 'bad' }, TIMING, { field: 'code' });
    expect(outcome).toMatchObject({
      success: false,
      status: 'failed',
      result: null,
      error: 'bad',
      error_type: 'InvalidJob',
      failure: { code: 'INVALID_JOB', message: 'bad', stack: null, evidence: { field: 'code' } },
      duration_ms: 2500,
      exit_code: null,
      stdout: '',
      metrics: {},
    });
  });

  it('carries an exit code and a type where they are known', () => {
    const finding: Finding = { code: 'MODULE_NOT_FOUND', message: 'gone', errorType: 'E', exitCode: 1 };
    expect(refusedOutcome(finding, TIMING)).toMatchObject({ error_type: 'E', exit_code: 1 });
  });
});
