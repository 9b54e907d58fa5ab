import { describe, expect, it } from '@jest/globals';
import type { ExecutionResult } from '../../contract/result.js';
import type { Progress } from './execution-lookup.service.js';
import { executionView, executionViewSchema, taskView, taskViewSchema } from './views.js';
import type { Waiting } from '../../contract/waiting.js';
import { NO_SUBJECT } from '../../contract/subject.js';

const ENDED: ExecutionResult = {
  execution_id: 'e',
  worker_id: 'w1',
  attempt: 1,
  ...NO_SUBJECT,
  success: true,
  status: 'succeeded',
  result: { n: 4 },
  error: null,
  error_type: null,
  failure: null,
  duration_ms: 12,
  queued_ms: 3,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:00:00.012Z',
  logs: [],
  logs_truncated: false,
  stdout: '4\n',
  stderr: '',
  exit_code: 0,
  variables: {},
  metrics: {},
  workspace_generation: null,
  package_set: null,
};
const FAILED: ExecutionResult = {
  ...ENDED,
  success: false,
  status: 'failed',
  error: 'no',
  error_type: 'TypeError',
  exit_code: null,
  metrics: { run_ms: 12 },
};
const WAITING: Waiting = {
  reason: 'all runners busy',
  detail: 'busy',
  position: 2,
  queued: 3,
  lane: null,
  age_ms: 10,
  until: null,
  running: 2,
  capacity: 2,
};
const DELAYED: typeof WAITING = { ...WAITING, until: '2026-01-01T00:00:00.000Z' };
const running = (worker: string): Progress & { state: 'running' } => ({
  state: 'running',
  worker,
  attempt: 2,
  startedAt: ENDED.started_at,
  cancel: null,
  progress: null,
});

describe('taskView', () => {
  it.each([
    [{ state: 'queued', waiting: WAITING } as const, { id: 'e', status: 'queued' }],
    [running('w1'), { id: 'e', status: 'running', workerId: 'w1' }],
    [running(''), { id: 'e', status: 'running' }],
    [
      { state: 'ended', result: ENDED } as const,
      {
        id: 'e',
        taskId: 'e',
        workerId: 'w1',
        status: 'completed',
        result: { stdout: '4\n', stderr: '', exitCode: 0 },
        executionTimeMs: 12,
      },
    ],
    [
      { state: 'ended', result: FAILED } as const,
      {
        id: 'e',
        taskId: 'e',
        workerId: 'w1',
        status: 'failed',
        result: { stdout: '4\n', stderr: '', exitCode: 1 },
        errorMessage: 'no',
        executionTimeMs: 12,
      },
    ],
  ])('shows %j', (progress, view) => {
    expect(taskView('e', progress)).toEqual(view);
    expect(taskViewSchema.parse(view)).toEqual(view);
  });
});

describe('executionView', () => {
  it.each([
    [
      { state: 'queued', waiting: WAITING } as const,
      { execution_id: 'e', status: 'queued', waiting: WAITING },
    ],
    [
      { state: 'queued', waiting: DELAYED } as const,
      { execution_id: 'e', status: 'delayed', waiting: DELAYED },
    ],
    [
      { ...running(''), progress: { fraction: 0.5, message: null } },
      { execution_id: 'e', status: 'running', attempt: 2, progress: { fraction: 0.5, message: null } },
    ],
    [
      running('w1'),
      {
        execution_id: 'e',
        status: 'running',
        attempt: 2,
        worker_id: 'w1',
        started_at: '2026-01-01T00:00:00.000Z',
      },
    ],
    [running(''), { execution_id: 'e', status: 'running', attempt: 2 }],
    [{ state: 'ended', result: ENDED } as const, ENDED],
    [{ state: 'ended', result: FAILED } as const, FAILED],
  ])('shows %j', (progress, view) => {
    expect(executionView('e', progress)).toEqual(view);
    expect(executionViewSchema.parse(view)).toEqual(view);
  });
});
