import { describe, expect, it } from '@jest/globals';
import { type ExecutionResult, resultSchema, toTaskResult } from './result.js';
import { NO_SUBJECT } from './subject.js';

const aResult = (changes: Partial<ExecutionResult> = {}): ExecutionResult => ({
  execution_id: 't-1',
  worker_id: 'w-1',
  attempt: 2,
  ...NO_SUBJECT,
  success: true,
  status: 'succeeded',
  result: { ignored: true },
  error: null,
  error_type: null,
  failure: null,
  duration_ms: 12.5,
  queued_ms: 3,
  started_at: '2026-03-01T10:00:00.000Z',
  finished_at: '2026-03-01T10:00:00.012Z',
  logs: [],
  logs_truncated: false,
  stdout: '4\n',
  stderr: 'warned\n',
  exit_code: 0,
  variables: {},
  metrics: { peak_memory_mb: 40, user_time_seconds: null },
  workspace_generation: null,
  package_set: null,
  ...changes,
});

const aFailure = (changes: Partial<ExecutionResult> = {}): ExecutionResult =>
  aResult({ success: false, status: 'failed', error: 'no', error_type: 'Error', exit_code: 1, ...changes });

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
    expect([task.status, task.result.exitCode]).toEqual(['failed', exitCode]);
  });

  it('never lacks an exit code or an error message', () => {
    expect(toTaskResult(aResult({ exit_code: null })).result.exitCode).toBe(0);
    expect(toTaskResult(aFailure({ error: null })).errorMessage).toBe('failed');
  });
});

describe('resultSchema', () => {
  it('takes what the worker writes', () => {
    expect(resultSchema.parse(aResult())).toEqual(aResult());
  });

  it.each(Object.keys(aResult()).filter((field) => field !== 'result'))('wants %s', (field) => {
    const { [field as keyof ExecutionResult]: _, ...rest } = aResult();
    expect(resultSchema.safeParse(rest).success).toBe(false);
  });
});
