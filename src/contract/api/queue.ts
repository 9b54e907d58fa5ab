import { z } from 'zod';
import { rateSchema } from '../organization.js';

const jobs = (description: string) => z.number().int().meta({ description });

/** What waits and runs of one organization. */
export const laneViewSchema = z
  .object({
    organization: z.string().nullable().meta({ description: 'null: executions of no organization' }),
    waiting: jobs('Executions that wait, whatever for'),
    interactive: jobs('Those of them that come before all in the background'),
    background: jobs('Those of the band background'),
    blocked: jobs('Those that wait for a cap of their workflow or concurrency key'),
    running: jobs('Executions that run, or were chosen to be taken next'),
    weight: z.number(),
    share: z.number().meta({ description: 'Of slot time, among those that wait now; 0 to 1' }),
    max_running: z.number().int().nullable(),
    rate: rateSchema.nullable(),
    mean_ms: z.number().meta({ description: 'How long its executions took lately' }),
  })
  .meta({ id: 'Lane' });
export type LaneView = z.infer<typeof laneViewSchema>;

/** `GET /queue`: the work queue as a whole. */
export const queueViewSchema = z
  .object({
    name: z.string(),
    paused: z.boolean().meta({ description: 'Nothing is taken until it is resumed' }),
    waiting: jobs('Jobs that wait to be taken, also those that wait for a cap'),
    active: jobs('Jobs in the hands of workers'),
    delayed: jobs('Jobs that are not to be taken yet'),
    limit: z.number().int().nullable().meta({
      description: 'Most jobs that all workers together run at once, as the queue says; null: no limit',
    }),
    held: jobs('Those of the waiting jobs that no worker may take until a cap or a rate has room'),
    lanes: z
      .array(laneViewSchema)
      .meta({ description: 'Of organizations that wait or run, those with most first; at most 100' }),
  })
  .meta({ id: 'Queue' });

export type QueueView = z.infer<typeof queueViewSchema>;
