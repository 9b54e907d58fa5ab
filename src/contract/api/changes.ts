import { z } from 'zod';
import { EXECUTION_STATUSES, progressSchema } from '../result.js';

const common = {
  id: z.string().meta({ description: 'Id of the event, for `Last-Event-ID`' }),
  at: z.string().meta({ description: 'ISO 8601 time, UTC' }),
};
const execution = { ...common, execution_id: z.string() };

/** Types of changes, in the order in which an execution has them. */
export const CHANGE_TYPES = ['queued', 'delayed', 'running', 'progress', 'ended', 'removed', 'gap'] as const;

/** One event of `GET /executions/events`; `type` is the name of the event. */
export const changeSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('queued'), ...execution }).meta({ id: 'ChangeQueued' }),
    z.object({ type: z.literal('delayed'), ...execution, until: z.string() }).meta({ id: 'ChangeDelayed' }),
    z.object({ type: z.literal('running'), ...execution }).meta({ id: 'ChangeRunning' }),
    z
      .object({ type: z.literal('progress'), ...execution, progress: progressSchema })
      .meta({ id: 'ChangeProgress' }),
    z
      .object({ type: z.literal('ended'), ...execution, status: z.enum(EXECUTION_STATUSES) })
      .meta({ id: 'ChangeEnded' }),
    z
      .object({ type: z.literal('removed'), ...execution })
      .meta({ id: 'ChangeRemoved', description: 'Its job was taken off the queue; it has no result' }),
    z
      .object({ type: z.literal('gap'), ...common })
      .meta({ id: 'ChangeGap', description: 'Earlier events are lost: read the list again' }),
  ])
  .meta({ id: 'Change' });

export type Change = z.infer<typeof changeSchema>;
