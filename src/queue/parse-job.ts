import type { z } from 'zod';
import type { Seal } from '../context/signature-check.js';
import { executionJobSchema, type JobKind, type TaskJob, taskJobSchema } from '../contract/job.js';
import { Refusal } from '../contract/refusal.js';
import { idSchema } from '../contract/ids.js';

/** What a job asks for. A job that cannot be read still has an id, because it still gets a result. */
export type JobRequest =
  | { kind: 'execution'; executionId: string; seal: Seal }
  | { kind: 'task'; executionId: string; task: TaskJob }
  | { kind: JobKind; executionId: string; refusal: Refusal };

/** Reads a work-queue job. Never throws: what is wrong with it is the result it will get. */
export function parseJob(job: { id?: string | undefined; data: unknown }): JobRequest {
  const { data } = job;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return refused('execution', job.id, undefined, 'the job data must be an object', 'data');
  }
  if ('taskId' in data || 'code' in data) {
    const parsed = taskJobSchema.safeParse(data);
    if (parsed.success) return { kind: 'task', executionId: parsed.data.taskId, task: parsed.data };
    return refusedBy('task', job.id, (data as { taskId?: unknown }).taskId, parsed.error);
  }
  const parsed = executionJobSchema.safeParse(data);
  if (parsed.success) {
    const { execution_id: executionId, signature = null, valid_until: validUntil = null } = parsed.data;
    return { kind: 'execution', executionId, seal: { signature, validUntil } };
  }
  return refusedBy('execution', job.id, (data as { execution_id?: unknown }).execution_id, parsed.error);
}

function refusedBy(kind: JobKind, jobId: string | undefined, id: unknown, error: z.ZodError): JobRequest {
  const field = String(error.issues[0]?.path[0] ?? 'data');
  const problems = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return refused(kind, jobId, id, problems, field);
}

/** Without a usable id of its own, the result is filed under the id of the job: `job-<job id>`. */
function refused(
  kind: JobKind,
  jobId: string | undefined,
  id: unknown,
  why: string,
  field: string,
): JobRequest {
  const own = idSchema.safeParse(id);
  return {
    kind,
    executionId: own.success ? own.data : `job-${jobId ?? 'unknown'}`,
    refusal: new Refusal('INVALID_JOB', `The job cannot be read: ${why}`, field),
  };
}
