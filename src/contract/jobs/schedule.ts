import { z } from 'zod';
import { sha256 } from '../../lib/sha256.js';
import { idSchema } from '../ids.js';
import { MISSED_POLICIES, type MissedPolicy, OVERLAP_POLICIES, type OverlapPolicy } from './tick-policies.js';

/** `schedule` in the data of a job: how ticks are treated; with `id` and `due_at` the job is a tick itself. */
export const tickFieldSchema = z
  .object({
    overlap: z
      .enum(OVERLAP_POLICIES, { error: `must be one of ${OVERLAP_POLICIES.join(', ')}` })
      .nullish()
      .meta({ description: 'Where the tick before has not ended. Default: allow' }),
    missed: z
      .enum(MISSED_POLICIES, { error: `must be one of ${MISSED_POLICIES.join(', ')}` })
      .nullish()
      .meta({ description: 'Where the next was due before a worker came to it. Default: one' }),
    ttl: z
      .number({ error: 'must be a number of seconds' })
      .positive({ error: 'must be more than 0' })
      .nullish()
      .meta({
        description: 'Seconds from the time at which it is due within which its code must have started',
      }),
    id: z
      .string({ error: 'must be a string' })
      .min(1, { error: 'must not be empty' })
      .nullish()
      .meta({ description: 'Schedule whose tick the job is, where it is not made by a job scheduler' }),
    due_at: z
      .string({ error: 'must be a string' })
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/, { error: 'must be an ISO 8601 time, UTC' })
      .refine((time) => !Number.isNaN(Date.parse(time)), { error: 'must be an ISO 8601 time, UTC' })
      .nullish(),
  })
  .refine(({ id, due_at }) => (id == null) === (due_at == null), {
    path: ['due_at'],
    error: 'goes with id: a tick has both',
  });

export type TickField = z.infer<typeof tickFieldSchema>;

/** How a tick is treated. */
export interface TickPolicy {
  overlap: OverlapPolicy;
  missed: MissedPolicy;
}

/** One tick of a schedule that BullMQ keeps (`upsertJobScheduler`). */
export interface Tick {
  /** Id of the job scheduler. */
  schedule: string;
  /** Unix milliseconds at which it was due. */
  dueMs: number;
}

/** Scheduler ids that are no part of an id of ours, such as very long ones, are shortened to this. */
const SHORT_CHARS = 150;

/**
 * The tick that a job stands for; null: it was added otherwise.
 * BullMQ names the jobs of a scheduler `repeat:<scheduler>:<milliseconds>`; ticks that we add say so in their data.
 */
export function tickOf(job: {
  id?: string | undefined;
  repeatJobKey?: string | undefined;
  data?: unknown;
}): Tick | null {
  const { id = '', repeatJobKey: schedule, data } = job;
  if (schedule === undefined || schedule === '') return tickIn(data);
  const prefix = `repeat:${schedule}:`;
  const due = id.startsWith(prefix) ? id.slice(prefix.length) : '';
  return /^\d{1,15}$/.test(due) ? { schedule, dueMs: Number(due) } : null;
}

function tickIn(data: unknown): Tick | null {
  const { success, data: field } = tickFieldSchema.safeParse(
    (data as { schedule?: unknown } | null | undefined)?.schedule,
  );
  if (!success || field.id == null || field.due_at == null) return null;
  return { schedule: field.id, dueMs: Date.parse(field.due_at) };
}

/** Job id of the tick that {@link tickExecutionId} made this id of; null: of none, or of a scheduler with another id. */
export function tickJobIdOf(executionId: string): string | null {
  const [, schedule, time] = /^(.+)@(\d{4}-\d\d-\d\dT[\d:.]+Z)$/.exec(executionId) ?? [];
  return time === undefined || Number.isNaN(Date.parse(time))
    ? null
    : `repeat:${schedule}:${Date.parse(time)}`;
}

/** Whether {@link tickExecutionId} makes ids like this one, of whatever schedule. */
export const isTickExecutionId = (id: string): boolean => /@\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(id);

/** Id of the execution of a tick: `<scheduler>@<time>`. No two ticks share it, of one scheduler or of two. */
export function tickExecutionId({ schedule, dueMs }: Tick): string {
  const time = new Date(dueMs).toISOString();
  const id = `${schedule}@${time}`;
  if (idSchema.safeParse(id).success) return id;
  const readable = schedule.replaceAll(/[\p{C}\p{Z}{}]/gu, '_');
  const short = Array.from(readable).slice(0, SHORT_CHARS).join('');
  return `${short}~${sha256(schedule).slice(0, 12)}@${time}`;
}
