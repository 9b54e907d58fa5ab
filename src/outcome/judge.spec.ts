import { describe, expect, it } from '@jest/globals';
import {
  aResult,
  anEnd,
  anError,
  anExit,
  anUncaught,
  KILLED,
  LIMITS,
} from '../../test/support/runners/run-ends.js';
import type { ErrorCode } from '../boundary/runner-frames.js';
import { type Finding, judge } from './judge.js';
import type { RunEnd, Verdict } from './run-end.js';

const judgeFunction = (changes: Partial<RunEnd>): Finding | null => judge(anEnd(changes), LIMITS, false);
const judgeScript = (changes: Partial<RunEnd>): Finding | null => judge(anEnd(changes), LIMITS, true);

describe('judge: what we did to the runner', () => {
  it.each<[Verdict, Finding['code'], RegExp, number | undefined]>([
    ['timeout', 'TIMED_OUT', /time limit of 1\.5 s/, 124],
    ['cpu', 'TIMED_OUT', /limit of 0\.7 s of CPU time/, 124],
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

  it.each([
    ['memory', 'OUT_OF_MEMORY'],
    ['file-size', 'OUTPUT_LIMIT'],
    ['open-files', 'USER_ERROR'],
    ['processes', 'USER_ERROR'],
  ] as const)('an error that comes from the limit "%s" means %s', (limit, code) => {
    expect(judgeFunction({ report: anError({ limit }) })).toMatchObject({ code, exitCode: 1 });
    const uncaught = { ...anUncaught(), limit };
    expect(judgeScript({ uncaught, exit: { exitCode: 1, signal: null } })).toMatchObject({ code });
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
