import { z } from 'zod';

/** Why an execution that is queued does not run yet: a closed set. */
export const WAITING_REASONS = [
  'no live worker',
  'queue paused',
  'queue limit reached',
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
  running: z.number().int().meta({ description: 'Jobs in the hands of workers' }),
  capacity: z.number().int().meta({ description: 'Executions that the workers that take work run at once' }),
});

export type Waiting = z.infer<typeof waitingSchema>;
