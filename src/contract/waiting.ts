import { z } from 'zod';

/** Those of {@link WAITING_REASONS} that lie in the organization of an execution. */
export const LANE_REASONS = [
  'organization cap reached',
  'workflow cap reached',
  'concurrency key in use',
  'rate limit reached',
  'others take their turn',
] as const;
export type LaneReasonName = (typeof LANE_REASONS)[number];

/** Why an execution that is queued does not run yet: a closed set. */
export const WAITING_REASONS = [
  'no live worker',
  'queue paused',
  'queue limit reached',
  ...LANE_REASONS,
  'packages installing',
  'workers starting',
  'workers paused',
  'workers draining',
  'all runners busy',
  'about to start',
  'scheduled delay',
  'delayed retry',
  'handed back',
  'waiting for children',
  'context stored, no job',
] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

/** `waiting.lane`: where it is among the executions of its organization. */
export const laneWaitingSchema = z.object({
  organization: z.string().nullable().meta({ description: 'null: executions of no organization' }),
  position: z.number().int().meta({ description: '1: the first of its organization to be taken' }),
  queued: z.number().int().meta({ description: 'Executions of the organization that wait for their turn' }),
  running: z.number().int().meta({ description: 'Executions of the organization that run or are about to' }),
  weight: z.number(),
  share: z.number().meta({ description: 'Of slot time, among the organizations that wait now; 0 to 1' }),
  estimate_ms: z.number().nullable().meta({
    description: 'Until it starts, if everything goes on as lately; null: no worker takes work',
  }),
});
export type LaneWaiting = z.infer<typeof laneWaitingSchema>;

/** `waiting` of an execution that has not begun, or waits for another attempt. */
export const waitingSchema = z.object({
  reason: z.enum(WAITING_REASONS),
  detail: z.string().meta({ description: 'The reason as a sentence, with figures' }),
  position: z
    .number()
    .int()
    .nullable()
    .meta({ description: '1: the next to be taken; null while it is delayed, or in the hands of a worker' }),
  queued: z.number().int().meta({ description: 'Jobs that wait to be taken, this one included' }),
  age_ms: z.number().nullable().meta({ description: 'Since its job was added' }),
  until: z.string().nullable().meta({ description: 'ISO 8601 time before which a delayed one is not taken' }),
  lane: laneWaitingSchema
    .nullable()
    .meta({ description: 'null: it is in no lane of an organization, see docs/fair-order.md' }),
  running: z.number().int().meta({ description: 'Jobs in the hands of workers' }),
  capacity: z.number().int().meta({ description: 'Executions that the workers that take work run at once' }),
});

export type Waiting = z.infer<typeof waitingSchema>;
