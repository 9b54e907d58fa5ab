import { describe, expect, it } from '@jest/globals';
import type { Waiting } from '../../contract/waiting.js';
import type { ExecutionView } from '../http/api-client.js';
import { statusLine } from './status.js';

const WAITING: Waiting = {
  reason: 'all runners busy',
  detail: 'The workers run 2 of 2 at once; 17 jobs are ahead',
  position: 18,
  queued: 20,
  lane: null,
  age_ms: 2_140,
  until: null,
  running: 2,
  capacity: 2,
};
const DELAYED: Waiting = {
  ...WAITING,
  reason: 'delayed retry',
  detail: 'An attempt failed; the next is at 10:00 or later',
  position: null,
  age_ms: 61_000,
};

describe('statusLine', () => {
  it.each<[ExecutionView, string]>([
    [
      { execution_id: 'e', status: 'queued', waiting: WAITING },
      'e queued: all runners busy, position 18 of 20, for 2.14 s. The workers run 2 of 2 at once; 17 jobs are ahead',
    ],
    [
      { execution_id: 'e', status: 'delayed', waiting: DELAYED },
      'e delayed: delayed retry, for 1 m 01 s. An attempt failed; the next is at 10:00 or later',
    ],
    [{ execution_id: 'e', status: 'queued' }, 'e queued'],
    [
      { execution_id: 'e', status: 'running', worker_id: 'w1', attempt: 2, cancellation: {} },
      'e running on w1, attempt 2, cancellation requested',
    ],
    [{ execution_id: 'e\u001b[2J', status: 'running' }, 'e running, attempt 1'],
  ])('shows %j', (view, line) => {
    expect(statusLine(view)).toBe(line);
  });
});
