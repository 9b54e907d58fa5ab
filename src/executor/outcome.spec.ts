import { describe, expect, it } from '@jest/globals';
import type { ErrorCode, ErrorFrame, ExitingFrame, ResultFrame } from '../contract/runner-protocol.js';
import { type Finding, judge, outcomeOf, refusedOutcome } from './outcome.js';
import type { RunEnd, RunLimits, Verdict } from './run.js';

const LIMITS: RunLimits = { timeoutMs: 1500, memoryMb: 256, outputBytes: 4096 };
const TIMING = {
  startedAt: new Date('2026-03-01T10:00:00.000Z'),
  finishedAt: new Date('2026-03-01T10:00:02.500Z'),
};
const USAGE = { userMs: 120, systemMs: 30, maxRssMb: 61.237 };

/** A process that ended with exit code 0 and said nothing. */
const anEnd = (changes: Partial<RunEnd> = {}): RunEnd => ({
  verdict: null,
  violation: null,
  report: null,
  uncaught: null,
  exit: { exitCode: 0, signal: null },
  durationMs: 1234.5678,
  loadMs: null,
  stdout: '',
  stderr: '',
  logs: [],
  logsTruncated: false,
  memorySamplesMb: [],
  peakMb: 0,
  kernelUsage: null,
  ...changes,
});

const KILLED = { exitCode: null, signal: 'SIGKILL' } as const;
const aResult = (value?: unknown): ResultFrame => ({ type: 'result', value, variables: {}, usage: USAGE });
const anExit = (exitCode: number): ExitingFrame => ({
  type: 'exiting',
  exitCode,
  variables: {},
  usage: USAGE,
});
const anError = (changes: Partial<ErrorFrame> = {}): ErrorFrame => ({
  type: 'error',
  code: 'USER_ERROR',
  name: 'TypeError',
  message: 'no',
  stack: 'TypeError: no\n    at f (main.ts:1:1)',
  variables: {},
  usage: USAGE,
  ...changes,
});
const anUncaught = (message = 'no') => ({
  type: 'uncaught' as const,
  name: 'RangeError',
  message,
  stack: 'RangeError: no',
});

const judgeFunction = (changes: Partial<RunEnd>): Finding | null => judge(anEnd(changes), LIMITS, false);
const judgeScript = (changes: Partial<RunEnd>): Finding | null => judge(anEnd(changes), LIMITS, true);

describe('judge: what we did to the runner', () => {
  it.each<[Verdict, Finding['code'], RegExp, number | undefined]>([
    ['timeout', 'TIMED_OUT', /time limit of 1\.5 s/, 124],
    ['memory', 'OUT_OF_MEMORY', /more than 256 MB/, undefined],
    ['output', 'OUTPUT_LIMIT', /4096 bytes/, undefined],
    ['protocol', 'PROTOCOL_VIOLATION', /broke the protocol/, undefined],
    ['interrupted', 'CANCELLED', /interrupted/, undefined],
  ])('%s means %s', (verdict, code, message, exitCode) => {
    const finding = judgeFunction({ verdict, exit: KILLED });
    expect(finding?.code).toBe(code);
    expect(finding?.message).toMatch(message);
    expect(finding?.exitCode).toBe(exitCode);
  });

  it('says what the violation was', () => {
    expect(judgeFunction({ verdict: 'protocol', violation: 'two words at once' })).toEqual({
      code: 'PROTOCOL_VIOLATION',
      message: 'two words at once',
    });
  });

  it.each<[string, Partial<RunEnd>]>([
    ['a result', { report: aResult(1) }],
    ['an error', { report: anError() }],
    ['an exit', { report: anExit(0) }],
    ['an uncaught error', { uncaught: anUncaught() }],
    ['words of V8', { stderr: 'JavaScript heap out of memory' }],
  ])('comes before %s', (_, changes) => {
    expect(judgeFunction({ ...changes, verdict: 'timeout', exit: KILLED })?.code).toBe('TIMED_OUT');
  });
});

describe("judge: the runner's own report", () => {
  it('finds nothing wrong with a result, however the process ended', () => {
    expect(judgeFunction({ report: aResult(42), exit: KILLED })).toBeNull();
    expect(judgeScript({ report: aResult(), exit: { exitCode: 1, signal: null } })).toBeNull();
    expect(judgeFunction({ report: aResult(42), uncaught: anUncaught(), exit: KILLED })).toBeNull();
  });

  it('takes an error of the user as it is', () => {
    const { message, stack } = anError();
    expect(judgeFunction({ report: anError(), exit: KILLED })).toEqual({
      code: 'USER_ERROR',
      errorType: 'TypeError',
      message,
      stack,
      exitCode: 1,
    });
  });

  it.each<[ErrorCode, string]>([
    ['RESULT_NOT_SERIALIZABLE', 'ResultNotSerializable'],
    ['OUTPUT_LIMIT', 'OutputLimit'],
    ['MODULE_NOT_FOUND', 'ModuleNotFound'],
    ['MODULE_LIMIT', 'ModuleLimit'],
    ['INTERNAL', 'InternalError'],
  ])('names %s by our type, not by the class that carried it', (code, errorType) => {
    expect(judgeFunction({ report: anError({ code }) })).toMatchObject({ code, errorType, exitCode: 1 });
  });

  it.each([
    'Array buffer allocation failed',
    'Worker terminated due to reaching memory limit: JS heap out of memory',
  ])('reads "%s" as memory that ran out', (message) => {
    expect(judgeFunction({ report: anError({ message }) })).toMatchObject({
      code: 'OUT_OF_MEMORY',
      exitCode: 1,
    });
    expect(judgeScript({ uncaught: anUncaught(message), exit: { exitCode: 1, signal: null } })).toMatchObject(
      { code: 'OUT_OF_MEMORY', exitCode: 1 },
    );
  });

  it("leaves the user's own words about arrays and sizes alone", () => {
    for (const message of ['invalid array of ids', 'invalid size given', 'Allocation failed: no budget']) {
      expect(judgeFunction({ report: anError({ message }) })?.code).toBe('USER_ERROR');
    }
  });

  it('blames an uncaught error for the end of the process', () => {
    expect(
      judgeScript({ uncaught: anUncaught(), report: anExit(7), exit: { exitCode: 7, signal: null } }),
    ).toEqual({
      code: 'USER_ERROR',
      errorType: 'RangeError',
      message: 'no',
      stack: 'RangeError: no',
      exitCode: 7,
    });
  });

  it('forgets an uncaught error that the code handled', () => {
    expect(judgeScript({ uncaught: anUncaught(), report: anExit(0) })).toBeNull();
    expect(judgeScript({ uncaught: anUncaught(), report: aResult() })).toBeNull();
  });
});

describe('judge: how the process ended', () => {
  it('lets a script exit with 0 and with nothing else', () => {
    expect(judgeScript({ report: anExit(0) })).toBeNull();
    expect(judgeScript({ report: anExit(3) })).toEqual({
      code: 'USER_ERROR',
      errorType: 'ProcessExit',
      message: 'The code exited with code 3',
      exitCode: 3,
    });
  });

  it.each([0, 3])('never takes process.exit(%d) for the return of a function', (exitCode) => {
    expect(judgeFunction({ report: anExit(exitCode) })).toMatchObject({
      code: 'USER_ERROR',
      errorType: 'ProcessExit',
      message: expect.stringContaining(`process.exit(${exitCode})`),
      exitCode,
    });
  });

  it.each<[RunEnd['exit'], string, number | null]>([
    [{ exitCode: null, signal: 'SIGSEGV' }, 'The runner was killed by SIGSEGV without a result', null],
    [{ exitCode: 0, signal: null }, 'The runner ended with exit code 0 without a result', 0],
    [{ exitCode: 9, signal: null }, 'The runner ended with exit code 9 without a result', 9],
  ])('calls an end without a word a crash: %j', (exit, message, exitCode) => {
    expect(judgeScript({ exit })).toEqual({ code: 'RUNNER_CRASHED', message, exitCode });
    expect(judgeFunction({ exit })).toEqual({ code: 'RUNNER_CRASHED', message, exitCode });
  });

  it.each([
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'Fatal process out of memory: Zone',
  ])('reads "%s" on stderr as memory that ran out', (stderr) => {
    expect(judgeFunction({ stderr, exit: { exitCode: null, signal: 'SIGABRT' } })?.code).toBe(
      'OUT_OF_MEMORY',
    );
  });
});

describe('outcomeOf', () => {
  it('describes a success', () => {
    const logs = [{ ts: '2026-03-01T10:00:00.100Z', level: 'info', message: 'hello' }];
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
      stdout: 'hello\n',
      stderr: '',
      exit_code: 0,
      variables: { seen: true },
      metrics: {
        peak_memory_mb: 61.24,
        user_time_seconds: 0.12,
        system_time_seconds: 0.03,
        module_load_ms: 3.24,
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
    expect(evidence({ verdict: 'timeout' })).toEqual({});
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
