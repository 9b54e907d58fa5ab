import { z } from 'zod';

/**
 * What an operator may tell a worker: takes no new work and stops (`drain`, `shutdown`), takes no new
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

/** Message on `bifrost:worker:{id}:control`, and on that of the id `all`. */
export const controlMessageSchema = z
  .object({
    command: z.enum(CONTROL_COMMANDS),
    pid: z.number().int().positive().optional(),
  })
  .refine(({ command, pid }) => command !== 'recycle_runner' || pid !== undefined, {
    path: ['pid'],
    error: 'must name the process of the runner',
  });

export type ControlMessage = z.infer<typeof controlMessageSchema>;

/** Id under which every worker listens. */
export const ALL_WORKERS = 'all';
