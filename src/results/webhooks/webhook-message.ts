import type { Webhook } from '../../contract/jobs/webhook.js';
import type { ExecutionResult, ExecutionStatus } from '../../contract/result.js';
import { sha256 } from '../../lib/sha256.js';

/** What a receiver gets, as Standard Webhooks has it. */
export interface WebhookEvent {
  type: 'execution.ended' | 'batch.ended' | 'schedule.ended';
  /** ISO 8601, when it happened. */
  timestamp: string;
  data: Record<string, unknown>;
}

/** A schedule as it was set at a time, ISO 8601. */
export interface SetSchedule {
  schedule: string;
  setAt: string;
}

/** Job of the webhook queue. */
export type WebhookJob = { to: Webhook; id: string } &
  /** A message that is complete; `about`: the execution in whose log its deliveries are. */
  (
    | { about: string; event: WebhookEvent }
    /** One that is sent once all executions of a batch have ended. `from`: those before it are known to. */
    | { batch: string; from: number }
    /** One that is sent once a schedule has ended, if it is still the one that was set then. */
    | SetSchedule
  );

/** Name of the log of a message's deliveries. An execution's id has no blank in it. */
export function aboutOf(job: WebhookJob): string {
  if ('about' in job) return job.about;
  return 'batch' in job ? job.batch : scheduleLog(job.schedule);
}
export const scheduleLog = (schedule: string): string => `schedule ${schedule}`;

/** Larger values are left out: the receiver asks for the result. */
const MOST_VALUE_CHARS = 65_536;
const ID_CHARS = 32;

/** Id of a message, the same however often it is made and sent: receivers recognize repeats by it. */
export const messageIdOf = (...parts: readonly (string | number)[]): string =>
  `msg_${sha256(parts.join('\n')).slice(0, ID_CHARS)}`;

/** The message about an execution that has ended. */
export function executionEnded(result: ExecutionResult): WebhookEvent {
  const value = JSON.stringify(result.result ?? null);
  const isShown = value.length <= MOST_VALUE_CHARS;
  return {
    type: 'execution.ended',
    timestamp: result.finished_at,
    data: {
      execution_id: result.execution_id,
      run: result.run ?? 1,
      status: result.status,
      success: result.success,
      ...(isShown ? { result: result.result ?? null } : { result_omitted: true }),
      error: result.error,
      error_type: result.error_type,
      failure_code: result.failure?.code ?? null,
      attempt: result.attempt,
      started_at: result.started_at,
      finished_at: result.finished_at,
      duration_ms: result.duration_ms,
      workflow_id: result.workflow_id,
      tags: result.tags,
      schedule: result.schedule ?? null,
      again_of: result.again_of ?? null,
    },
  };
}

/** The message about a batch whose executions have all ended. */
export function batchEnded(
  batchId: string,
  statuses: readonly ExecutionStatus[],
  finishedAt: Date,
): WebhookEvent {
  const counts: Partial<Record<ExecutionStatus, number>> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return {
    type: 'batch.ended',
    timestamp: finishedAt.toISOString(),
    data: { batch_id: batchId, total: statuses.length, statuses: counts },
  };
}

/** The message about a schedule that will not tick any more. @param last its last execution */
export const scheduleEnded = (
  schedule: string,
  end: string,
  last: { executionId: string; status: ExecutionStatus | null } | null,
): WebhookEvent => ({
  type: 'schedule.ended',
  timestamp: new Date().toISOString(),
  data: {
    schedule_id: schedule,
    end,
    last_execution_id: last?.executionId ?? null,
    last_status: last?.status ?? null,
  },
});
