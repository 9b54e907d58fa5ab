import { describe, expect, it } from '@jest/globals';
import type { ExecutionResult, ExecutionStatus } from '../../contract/result.js';
import { exitCodeOf, reportOf } from './run-report.js';

const succeeded = (changes: Partial<ExecutionResult>): ExecutionResult =>
  ({
    success: true,
    status: 'succeeded',
    stdout: '',
    stderr: '',
    result: null,
    ...changes,
  }) as ExecutionResult;

const failed = (changes: Partial<ExecutionResult> = {}): ExecutionResult =>
  succeeded({
    success: false,
    status: 'failed',
    error: 'boom',
    error_type: 'TypeError',
    failure: {
      code: 'USER_ERROR',
      message: 'boom',
      stack: 'TypeError: boom\n    at f (a.ts:1:2)',
      evidence: {},
    },
    ...changes,
  });

describe('the report of a success', () => {
  it('is what the code printed, each on its stream, as it is', () => {
    const report = reportOf(succeeded({ stdout: 'no end', stderr: 'nor here' }));
    expect(report).toEqual({ stdout: 'no end', stderr: 'nor here', failure: '' });
  });

  it.each([
    ['an object', { a: 1 }, '{\n  "a": 1\n}\n'],
    ['text', 'a', '"a"\n'],
    ['false', false, 'false\n'],
    ['zero', 0, '0\n'],
    ['null', null, ''],
    ['nothing', undefined, ''],
  ])('shows %s that was returned as JSON', (_what, result, shown) => {
    expect(reportOf(succeeded({ result })).stdout).toBe(shown);
  });

  it('begins a line of its own for the value', () => {
    expect(reportOf(succeeded({ stdout: 'a', result: 1 })).stdout).toBe('a\n1\n');
    expect(reportOf(succeeded({ stdout: 'a\n', result: 1 })).stdout).toBe('a\n1\n');
  });
});

describe('the report of a failure', () => {
  it('prints code, class and message once, then the stack', () => {
    expect(reportOf(failed())).toEqual({
      stdout: '',
      stderr: '',
      failure: 'failed: USER_ERROR TypeError: boom\n    at f (a.ts:1:2)\n',
    });
  });

  it('does not repeat a stack that the code has written', () => {
    const stderr = 'TypeError: boom\n    at f (a.ts:1:2)';
    expect(reportOf(failed({ stderr }))).toMatchObject({
      stderr: `${stderr}\n`,
      failure: 'failed: USER_ERROR TypeError: boom\n',
    });
  });

  it('does without what is not there', () => {
    expect(reportOf(failed({ failure: null, error: null, error_type: null })).failure).toBe(
      'failed: no reason given\n',
    );
  });

  it('says how it ended', () => {
    expect(reportOf(failed({ status: 'timed_out' })).failure).toMatch(/^timed out: /);
  });
});

it.each([
  ['succeeded', 0],
  ['failed', 1],
  ['timed_out', 124],
  ['cancelled', 130],
  ['a status of tomorrow', 1],
])('%s has the exit code %i', (status, code) => {
  expect(exitCodeOf(status as ExecutionStatus)).toBe(code);
});
