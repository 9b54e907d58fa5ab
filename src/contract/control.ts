import { z } from 'zod';
import { poolCommandSchema } from './clients/engine.js';

/**
 * What an operator may order a worker to do: takes no new work and stops (`drain`, `shutdown`), takes no new
 * work for now (`pause`, `resume`), replaces its runners without failing what they run (`recycle`,
 * `recycle_runner` by pid).
 */
export const CONTROL_COMMANDS = [
  'drain',
  'pause',
  'resume',
  'recycle',
  'recycle_runner',
  'shutdown',
] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

const requestId = z.string().min(1).max(128);

/** What of a message that cannot be read allows an answer that says so. */
export const requestIdSchema = z.object({ request_id: requestId });

/**
 * Message on `bifrost:worker:{id}:control`, and on that of the id `all`. With a `request_id`
 * each worker that got the message puts its answer into the list `bifrost:control:{request_id}:answers`, for a minute.
 */
export const controlMessageSchema = z
  .object({
    command: z.enum(CONTROL_COMMANDS),
    pid: z.number().int().positive().optional(),
    request_id: requestId.optional(),
  })
  .refine(({ command, pid }) => command !== 'recycle_runner' || pid !== undefined, {
    path: ['pid'],
    error: 'must name the process of the runner',
  });

export type ControlMessage = z.infer<typeof controlMessageSchema>;

/** A command of the engine to the pool of a worker, as one of ours. */
export const poolControlSchema = poolCommandSchema.transform((order): ControlMessage =>
  order.action === 'recycle_all' ? { command: 'recycle' } : { command: 'recycle_runner', pid: order.pid },
);

/** What one worker did about a command. */
export const controlAnswerSchema = z.object({
  worker_id: z.string(),
  obeyed: z.boolean(),
  detail: z.string().meta({ description: 'What it did, or why it did not' }),
});

export type ControlAnswer = z.infer<typeof controlAnswerSchema>;

/** Id under which every worker listens. */
export const ALL_WORKERS = 'all';
