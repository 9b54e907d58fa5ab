import { z } from 'zod';
import { requestedContextSchema } from '../../contract/context.js';
import { taskJobSchema } from '../../contract/jobs/job.js';
import { MAX_PAUSE_MS } from '../../contract/jobs/job-options.js';
import { tickFieldSchema } from '../../contract/jobs/schedule.js';
import { nextTick } from '../../queue/schedules/due-times.js';
import { jobFields } from '../executions/job-fields.js';
import { limitField, once } from '../history/history-requests.js';
import { zonedMoment } from '../http/moments.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const MIN_EVERY_MS = 100;
const MAX_ID_CHARS = 1_000;

const timeZone = z.string({ error: 'must be a string' }).refine(isTimeZone, {
  error: 'must be an IANA time zone, such as Europe/Berlin',
});

const { attempts, backoff, priority, ttl, webhook } = jobFields;
const ofEachTick = {
  attempts,
  backoff,
  priority,
  webhook: webhook.meta({
    description: 'Gets a signed message for each tick that has ended: docs/webhooks.md',
  }),
  ttl: ttl.meta({
    description:
      'Seconds, from the time at which a tick is due, within which its code must have started; else it ends with EXPIRED',
  }),
};

/** Body of `PUT /schedules/:id`. */
export const scheduleRequestSchema = refuseUnknown(
  z
    .object({
      cron: z.string({ error: 'must be a cron pattern' }).nullish().meta({
        description:
          'Five fields, from minute to day of the week, or six with seconds before them; or @daily and the like',
      }),
      tz: timeZone.nullish().meta({ description: 'IANA time zone of cron. Default: UTC' }),
      every: z
        .number({ error: 'must be a number of milliseconds' })
        .int({ error: 'must be whole milliseconds' })
        .min(MIN_EVERY_MS, { error: `must be at least ${MIN_EVERY_MS} ms` })
        .max(MAX_PAUSE_MS, { error: `must be at most ${MAX_PAUSE_MS} ms` })
        .nullish()
        .meta({ description: 'Milliseconds between two ticks, instead of cron' }),
      start: zonedMoment.nullish().meta({
        description: 'Before which it does not tick. `every` counts from it; by default from when it was set',
      }),
      end: zonedMoment.nullish().meta({ description: 'After which it does not tick' }),
      overlap: tickFieldSchema.shape.overlap,
      missed: tickFieldSchema.shape.missed,
      paused: z
        .boolean({ error: 'must be true or false' })
        .nullish()
        .meta({ description: 'Default: as it was; a new one is not' }),
      webhook: jobFields.webhook.meta({
        description: 'Gets a signed message when the schedule has reached its end: docs/webhooks.md',
      }),
      execution: refuseUnknown(requestedContextSchema.safeExtend(ofEachTick))
        .nullish()
        .meta({ description: 'What each tick runs, as POST /executions takes it' }),
      task: refuseUnknown(taskJobSchema.pick({ code: true, timeout: true, network: true }).extend(ofEachTick))
        .nullish()
        .meta({ description: 'A script instead of execution' }),
    })
    .superRefine((request, ctx) => {
      const refuse = (field: string, message: string): void =>
        ctx.addIssue({ code: 'custom', path: [field], message });
      const { cron, every, tz, start, end, execution, task } = request;
      if ((cron == null) === (every == null)) refuse('cron', 'or every must be there, and not both');
      if (cron == null && tz != null) refuse('tz', 'belongs to cron');
      if ((execution == null) === (task == null)) refuse('execution', 'or task must be there, and not both');
      if (request.webhook != null && end == null)
        refuse(
          'webhook',
          'needs end: a schedule without one never ends. Ticks have a webhook in execution or task',
        );
      const trouble = cron == null ? null : troubleOfCron(cron);
      if (trouble !== null) refuse('cron', trouble);
      if (start != null && end != null && Date.parse(start) > Date.parse(end))
        refuse('start', 'must not be after end');
    }),
).meta({
  id: 'ScheduleRequest',
  example: {
    cron: '0 2 * * *',
    tz: 'Europe/Berlin',
    overlap: 'skip',
    execution: { file_path: 'workflows/report.ts', parameters: { day: 'yesterday' } },
  },
});

/** Path of one schedule; producers name theirs as they like. */
export const schedulePathSchema = z.object({
  id: z
    .string()
    .max(MAX_ID_CHARS)
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, { error: 'must be the id of a schedule' }),
});

/** Path of a schedule that is set here. */
export const newSchedulePathSchema = z.object({
  id: z.string().regex(/^[\w.-]{1,100}$/, {
    error: 'must have 1 to 100 letters, digits and _ . - only',
  }),
});

/** Query of `GET /schedules`. */
export const schedulesQuerySchema = refuseUnknown(
  z.object({
    limit: limitField,
    cursor: z.string(once).optional().meta({ description: 'next_cursor of the page before' }),
  }),
);

export type ScheduleRequest = z.infer<typeof scheduleRequestSchema>;
export type SchedulePath = z.infer<typeof schedulePathSchema>;
export type SchedulesQuery = z.infer<typeof schedulesQuerySchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const NAME_OF_DAY_OR_MONTH = /[a-z]{3}/gi;

/** What is wrong with a pattern; null: nothing. */
function troubleOfCron(pattern: string): string | null {
  const fields = pattern.trim().split(/\s+/);
  if (!pattern.trim().startsWith('@') && fields.length !== 5 && fields.length !== 6)
    return 'must have five fields, or six with seconds before them, such as 0 2 * * *';
  // The library draws such a field anew each time it reads the pattern: it would tick more or less often than it says.
  if (fields.some((field) => field.replaceAll(NAME_OF_DAY_OR_MONTH, '').includes('H')))
    return 'must have a number in place of H, which would be another one each time';
  try {
    return nextTick(Date.now(), { pattern, tz: 'UTC' }) === null ? 'names no time that ever comes' : null;
  } catch (error) {
    return `is no cron pattern: ${(error as Error).message}`;
  }
}
