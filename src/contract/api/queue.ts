import { z } from 'zod';

const jobs = (description: string) => z.number().int().meta({ description });

/** `GET /queue`: the work queue as a whole. */
export const queueViewSchema = z
  .object({
    name: z.string(),
    paused: z.boolean().meta({ description: 'Nothing is taken until it is resumed' }),
    waiting: jobs('Jobs that a worker may take'),
    active: jobs('Jobs in the hands of workers'),
    delayed: jobs('Jobs that are not to be taken yet'),
    limit: z.number().int().nullable().meta({
      description: 'Most jobs that all workers together run at once, as the queue says; null: no limit',
    }),
  })
  .meta({ id: 'Queue' });

export type QueueView = z.infer<typeof queueViewSchema>;
