import type { ExecutionResult } from '../../src/contract/result.js';
import { NO_SUBJECT } from '../../src/contract/subject.js';

/** The result of code that ran and succeeded, changed as wanted. */
export const aResult = (changes: Partial<ExecutionResult> = {}): ExecutionResult => ({
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
  metrics: { peak_memory_mb: 40, user_time_seconds: null, run_ms: 12 },
  workspace_generation: null,
  package_set: null,
  ...changes,
});

/** The result of code that ran and failed. */
export const aFailure = (changes: Partial<ExecutionResult> = {}): ExecutionResult =>
  aResult({
    success: false,
    status: 'failed',
    error: 'no',
    error_type: 'Error',
    failure: { code: 'USER_ERROR', message: 'no', stack: null, evidence: {} },
    exit_code: 1,
    ...changes,
  });

/** The result of an execution of which no code ran. */
export const anUnrunFailure = (changes: Partial<ExecutionResult> = {}): ExecutionResult =>
  aFailure({
    failure: { code: 'INVALID_JOB', message: 'no', stack: null, evidence: {} },
    stdout: '',
    stderr: '',
    exit_code: null,
    duration_ms: 0,
    metrics: { queue_ms: 1 },
    ...changes,
  });
