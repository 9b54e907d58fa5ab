import type { z } from 'zod';
import type { Seal } from '../context/signature-check.js';
import { idSchema, isId } from '../contract/ids.js';
import { executionJobSchema, type JobKind, type TaskJob, taskJobSchema } from '../contract/jobs/job.js';
import { optionTrouble } from '../contract/jobs/job-options.js';
import { type Webhook, webhookSchema } from '../contract/jobs/webhook.js';
import { Refusal } from '../contract/jobs/refusal.js';
import {
  type Tick,
  tickExecutionId,
  tickFieldSchema,
  tickOf,
  type TickPolicy,
} from '../contract/jobs/schedule.js';

/** What every job says, whatever its kind. */
interface JobBase {
  executionId: string;
  /** The tick of a schedule that it is; null: it was added otherwise. */
  tick: Tick | null;
  /** How that is treated. */
  policy: TickPolicy;
  /** Where its end is reported; null: nowhere. */
  webhook: Webhook | null;
  /** It is to run also where it has a result already. */
  again: boolean;
  /** Unix milliseconds after which its code is not started for the first time; null: it always is. */
  expiresAtMs: number | null;
}

/** What a job asks for. A job that cannot be read still has an id, because it still gets a result. */
export type JobRequest = JobBase &
  (
    | { kind: 'execution'; contextId: string; seal: Seal }
    | { kind: 'task'; task: TaskJob }
    | { kind: JobKind; refusal: Refusal }
  );

/** A job as far as its meaning depends on it. */
export interface QueuedJob {
  id?: string | undefined;
  data: unknown;
  opts?: object | undefined;
  repeatJobKey?: string | undefined;
}

/** Reads a work-queue job. Never throws: what is wrong with it is the result it will get. */
export function parseJob(job: QueuedJob): JobRequest {
  const { data, opts = {} } = job;
  if (isPlain(job)) {
    const { execution_id: contextId } = job.data;
    const content: Content = { kind: 'execution', contextId, seal: UNSEALED };
    const own = {
      ...asked(job, null, contextId, content),
      again: (opts as { again?: unknown }).again === true,
    };
    const refusal = troubleOf(opts);
    return refusal ? { ...own, refusal } : own;
  }
  const tick = tickOf(job);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    const refusal = invalid('the job data must be an object', 'data');
    return asked(job, tick, null, { kind: 'execution', refusal: troubleOf(opts) ?? refusal });
  }
  const fields = withoutNulls(data);
  const again = fields['again'] === true || (opts as { again?: unknown }).again === true;
  const content = contentOf(fields, tick);
  const refusal = troubleOf(opts);
  const own = asked(job, tick, idIn(fields, content.kind), content);
  return {
    ...(refusal ? { ...own, refusal } : own),
    again,
    expiresAtMs: expiryIn(fields, content, tick),
    policy: policyIn(fields),
    webhook: webhookSchema.safeParse(fields['webhook']).data ?? null,
  };
}

const UNSEALED: Seal = { signature: null, validUntil: null };

/** What a job may say; of these most say the id alone. */
const FIELDS = new Set([...Object.keys(executionJobSchema.shape), ...Object.keys(taskJobSchema.shape)]);

/** Whether it is as most jobs are: the id of an execution, and nothing else that means something here. */
function isPlain(job: QueuedJob): job is QueuedJob & { data: { execution_id: string } } {
  const { data, repeatJobKey } = job;
  if (repeatJobKey || typeof data !== 'object' || data === null || Array.isArray(data)) return false;
  for (const name of Object.keys(data)) if (name !== 'execution_id' && FIELDS.has(name)) return false;
  return isId((data as { execution_id?: unknown }).execution_id);
}

/** Where a job does not say, BullMQ's own way. */
const DEFAULT_POLICY: TickPolicy = { overlap: 'allow', missed: 'one' };

function policyIn({ schedule }: Fields): TickPolicy {
  const { overlap, missed } = tickFieldSchema.safeParse(schedule).data ?? {};
  return { overlap: overlap ?? DEFAULT_POLICY.overlap, missed: missed ?? DEFAULT_POLICY.missed };
}

type Fields = Readonly<Record<string, unknown>>;
type Content =
  | { kind: 'execution'; contextId: string; seal: Seal }
  | { kind: 'task'; task: TaskJob }
  | { kind: JobKind; refusal: Refusal };

/** Keys that are null count as left out, as everywhere in the contracts. */
const withoutNulls = (data: object): Fields =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value != null));

/** Code makes it a task; without code, it is what its id says. */
const kindOf = ({ code, taskId, execution_id: executionId }: Fields): JobKind =>
  code === undefined
    ? taskId === undefined || executionId !== undefined
      ? 'execution'
      : 'task'
    : taskId === undefined && executionId !== undefined
      ? 'execution'
      : 'task';

function contentOf(fields: Fields, tick: Tick | null): Content {
  const kind = kindOf(fields);
  if (kind === 'task') {
    // The ticks of a schedule need no id in their data.
    const named =
      tick && fields['taskId'] === undefined ? { taskId: tickExecutionId(tick), ...fields } : fields;
    const parsed = taskJobSchema.safeParse(named);
    return parsed.success ? { kind, task: parsed.data } : { kind, refusal: refusedBy(parsed.error) };
  }
  if (fields['code'] !== undefined) {
    const why =
      'code: belongs to a task, which is named by taskId; the code of an execution is in its context';
    return { kind, refusal: invalid(why, 'code') };
  }
  const parsed = executionJobSchema.safeParse(fields);
  if (!parsed.success) return { kind, refusal: refusedBy(parsed.error) };
  const { execution_id: contextId, signature = null, valid_until: validUntil = null } = parsed.data;
  return { kind, contextId, seal: { signature, validUntil } };
}

const asked = (job: QueuedJob, tick: Tick | null, id: string | null, content: Content): JobRequest => ({
  // Without any id of its own, the result is filed under the id of the job.
  executionId: tick ? tickExecutionId(tick) : (id ?? `job-${job.id ?? 'unknown'}`),
  tick,
  policy: DEFAULT_POLICY,
  webhook: null,
  again: false,
  expiresAtMs: null,
  ...content,
});

/** Of a job that can be read: its schema has seen the time. */
function expiryIn(fields: Fields, content: Content, tick: Tick | null): number | null {
  if ('refusal' in content) return null;
  const time = fields[content.kind === 'task' ? 'expiresAt' : 'expires_at'];
  if (typeof time === 'number') return time;
  const ttl = tick && tickFieldSchema.safeParse(fields['schedule']).data?.ttl;
  return tick && ttl != null ? tick.dueMs + ttl * 1000 : null;
}

/** The id that its producer waits for: the valid one, else any text that can be filed under. */
function idIn(fields: Fields, kind: JobKind): string | null {
  const names = kind === 'task' ? ['taskId', 'execution_id'] : ['execution_id', 'taskId'];
  const ids = names.map((name) => fields[name]);
  const valid = ids.find((id) => idSchema.safeParse(id).success);
  return (valid ?? ids.find(isFileable) ?? null) as string | null;
}

const isFileable = (id: unknown): id is string =>
  typeof id === 'string' && /^[^\p{Cc}\p{Cs}]{1,1000}$/u.test(id) && id.trim() !== '';

function troubleOf(opts: object): Refusal | null {
  const trouble = optionTrouble(opts);
  return trouble && invalid(`${trouble.field}: ${trouble.message}`, trouble.field);
}

function refusedBy(error: z.ZodError): Refusal {
  const field = String(error.issues[0]?.path[0] ?? 'data');
  const problems = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return invalid(problems, field);
}

const invalid = (why: string, field: string): Refusal =>
  new Refusal('INVALID_JOB', `The job cannot be read: ${why}`, field);
