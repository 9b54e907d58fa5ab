import { sha256 } from '../../lib/sha256.js';
import { idSchema } from '../ids.js';

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
 * BullMQ names the jobs of a scheduler `repeat:<scheduler>:<milliseconds>`.
 */
export function tickOf(job: { id?: string | undefined; repeatJobKey?: string | undefined }): Tick | null {
  const { id = '', repeatJobKey: schedule } = job;
  if (schedule === undefined || schedule === '') return null;
  const prefix = `repeat:${schedule}:`;
  const due = id.startsWith(prefix) ? id.slice(prefix.length) : '';
  return /^\d{1,15}$/.test(due) ? { schedule, dueMs: Number(due) } : null;
}

/** Job id of the tick that {@link tickExecutionId} made this id of; null: of none, or of a scheduler with another id. */
export function tickJobIdOf(executionId: string): string | null {
  const [, schedule, time] = /^(.+)@(\d{4}-\d\d-\d\dT[\d:.]+Z)$/.exec(executionId) ?? [];
  return time === undefined || Number.isNaN(Date.parse(time))
    ? null
    : `repeat:${schedule}:${Date.parse(time)}`;
}

/** Id of the execution of a tick: `<scheduler>@<time>`. No two ticks share it, of one scheduler or of two. */
export function tickExecutionId({ schedule, dueMs }: Tick): string {
  const time = new Date(dueMs).toISOString();
  const id = `${schedule}@${time}`;
  if (idSchema.safeParse(id).success) return id;
  const readable = schedule.replaceAll(/[\p{C}\p{Z}{}]/gu, '_');
  const short = Array.from(readable).slice(0, SHORT_CHARS).join('');
  return `${short}~${sha256(schedule).slice(0, 12)}@${time}`;
}
