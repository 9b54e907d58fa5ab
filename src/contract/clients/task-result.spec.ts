import { describe, expect, it } from '@jest/globals';
import { aFailure, aResult, anUnrunFailure } from '../../../test/support/results.js';
import type { ExecutionResult } from '../result.js';
import { taskResultSchema, toTaskResult, toTextTaskResult } from './task-result.js';

describe('toTaskResult', () => {
  it('says what the task orchestrator reads, and nothing else', () => {
    expect(toTaskResult(aResult())).toEqual({
      taskId: 't-1',
      workerId: 'w-1',
      status: 'completed',
      result: { stdout: '4\n', stderr: 'warned\n', exitCode: 0 },
      executionTimeMs: 12.5,
    });
  });

  it('carries the error of a failure', () => {
    expect(toTaskResult(aFailure({ exit_code: 3 }))).toEqual({
      taskId: 't-1',
      workerId: 'w-1',
      status: 'failed',
      result: { stdout: '4\n', stderr: 'warned\n', exitCode: 3 },
      errorMessage: 'no',
      executionTimeMs: 12.5,
    });
  });

  it.each<[ExecutionResult['status'], number | null, number]>([
    ['timed_out', 124, 124],
    ['cancelled', null, 1],
    ['failed', null, 1],
  ])('reads %s with exit code %s as failed with %d', (status, exit_code, exitCode) => {
    const task = toTaskResult(aFailure({ status, exit_code }));
    expect([task.status, task.result?.exitCode]).toEqual(['failed', exitCode]);
  });

  it('never lacks an exit code or an error message', () => {
    expect(toTaskResult(aResult({ exit_code: null })).result?.exitCode).toBe(0);
    expect(toTaskResult(aFailure({ error: null })).errorMessage).toBe('failed');
  });

  it('leaves result out where nothing ran', () => {
    expect(toTaskResult(anUnrunFailure())).toEqual({
      taskId: 't-1',
      workerId: 'w-1',
      status: 'failed',
      errorMessage: 'no',
      executionTimeMs: 0,
    });
  });
});

describe('toTextTaskResult', () => {
  it('has stdout as the result', () => {
    expect(toTextTaskResult(aResult())).toEqual({
      taskId: 't-1',
      workerId: 'w-1',
      status: 'completed',
      result: '4\n',
      executionTimeMs: 12.5,
    });
  });

  it('has the text of stderr as the error of code that failed, else the reason', () => {
    expect(toTextTaskResult(aFailure())).toMatchObject({ result: '4\n', errorMessage: 'warned\n' });
    expect(toTextTaskResult(aFailure({ stderr: ' \n' })).errorMessage).toBe('no');
    expect(toTextTaskResult(aFailure({ stderr: '', error: null })).errorMessage).toBe('failed');
  });

  it('never hides the reason that is not in stderr', () => {
    const failure = { code: 'TIMED_OUT', message: 'late', stack: null, evidence: {} } as const;
    expect(toTextTaskResult(aFailure({ status: 'timed_out', error: 'late', failure })).errorMessage).toBe(
      'late\nwarned\n',
    );
  });

  it('leaves result out where nothing ran, and keeps it where the output is empty', () => {
    expect(toTextTaskResult(anUnrunFailure())).not.toHaveProperty('result');
    expect(toTextTaskResult(aResult({ stdout: '' })).result).toBe('');
  });
});

describe('taskResultSchema', () => {
  it.each([
    ['an object', toTaskResult(aFailure())],
    ['text', toTextTaskResult(aFailure())],
    ['nothing', toTaskResult(anUnrunFailure())],
  ])('takes a result that is %s', (_, task) => {
    expect(taskResultSchema.parse(task)).toEqual(task);
  });
});
