import { z } from 'zod';
import { nextCursor } from '../fields/next-cursor.js';
import { MISSED_POLICIES, OVERLAP_POLICIES } from '../jobs/tick-policies.js';

export const SCHEDULE_STATES = ['active', 'paused', 'ended'] as const;

const text = z.string().nullable();
const when = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** A schedule in the list. */
const common = {
  id: z.string(),
  state: z
    .enum(SCHEDULE_STATES)
    .meta({ description: 'ended: it will not tick any more, because its end or its limit is reached' }),
  source: z
    .enum(['api', 'queue'])
    .meta({ description: 'api: it was set here; queue: by a producer, as a job scheduler of BullMQ' }),
  cron: text,
  tz: text.meta({ description: 'IANA time zone of cron' }),
  every: z.number().nullable().meta({ description: 'Milliseconds between two ticks' }),
  start: when.nullable(),
  end: when.nullable(),
  limit: z.number().nullable().meta({ description: 'Ticks until it ends, of a producer that set a limit' }),
  overlap: z.enum(OVERLAP_POLICIES),
  missed: z.enum(MISSED_POLICIES),
  kind: z.enum(['execution', 'task']),
  ticks: z
    .number()
    .nullable()
    .meta({ description: 'Ticks that it has had since it was set or resumed; null: it is not on the queue' }),
  created_at: when.nullable().meta({ description: 'null: it was not set here' }),
  updated_at: when.nullable(),
};

export const scheduleSummarySchema = z
  .object({ ...common, next: when.nullable().meta({ description: 'When it ticks next' }) })
  .meta({ id: 'ScheduleSummary' });

/** One schedule. */
export const scheduleSchema = z
  .object({
    ...common,
    next: z.array(when).meta({ description: 'When it ticks next, up to ten times' }),
    execution: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What each tick runs, without the values of its secrets' }),
    task: z.record(z.string(), z.unknown()).nullable(),
    webhook: z
      .object({ url: z.string().nullish(), endpoint: z.string().nullish() })
      .nullable()
      .meta({ description: 'Gets a message when the schedule has reached its end' }),
  })
  .meta({ id: 'Schedule' });

/** A page of `GET /schedules`, by id. */
export const schedulesSchema = z
  .object({
    schedules: z.array(scheduleSummarySchema),
    next_cursor: nextCursor,
  })
  .meta({ id: 'Schedules' });

/** Answer of `POST /schedules/:id/run`. */
export const scheduleRunSchema = z
  .object({ schedule: z.string(), execution_id: z.string(), status: z.literal('queued') })
  .meta({ id: 'ScheduleRun' });

/** Answer of `DELETE /schedules/:id`. */
export const removedScheduleSchema = z
  .object({ id: z.string(), removed: z.literal(true) })
  .meta({ id: 'RemovedSchedule' });

export type Schedule = z.infer<typeof scheduleSchema>;
export type ScheduleSummary = z.infer<typeof scheduleSummarySchema>;
export type ScheduleState = ScheduleSummary['state'];
export type Schedules = z.infer<typeof schedulesSchema>;
export type ScheduleRun = z.infer<typeof scheduleRunSchema>;
export type RemovedSchedule = z.infer<typeof removedScheduleSchema>;
