import { z } from 'zod';
import { ISOLATION_LEVELS, NETWORK_POLICIES, RUNNER_KINDS } from './confinement.js';
import { ISOLATION_GRADES } from './isolation-report.js';
import { PACKAGES_STATES } from './packages.js';

/**
 * STARTING -> ACTIVE       modules are up, the queue is read
 * ACTIVE -> DRAINING       SIGTERM or a drain command: takes nothing, finishes what runs
 * ACTIVE <-> PAUSED        an operator's pause and resume: takes nothing, keeps running
 * PAUSED -> DRAINING       as from ACTIVE
 * DRAINING -> STOPPED      everything finished or was handed back
 * STARTING -> STOPPED      stopped before it was up
 */
export const WORKER_STATES = ['STARTING', 'ACTIVE', 'PAUSED', 'DRAINING', 'STOPPED'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** ACTIVE takes work; DRAINING and PENDING_KILL take none and wait for what is healthy; EXITING is being killed. */
export const PROCESS_STATES = ['ACTIVE', 'DRAINING', 'PENDING_KILL', 'EXITING'] as const;
export type ProcessState = (typeof PROCESS_STATES)[number];

export const runnerRecordSchema = z.object({
  id: z.string(),
  kind: z.enum(RUNNER_KINDS),
  state: z.enum(PROCESS_STATES),
  pid: z.number(),
  executions: z.number().int().meta({ description: 'Executions started on this runner so far' }),
  memory_mb: z.number().nullable(),
  current: z.array(z.object({ execution_id: z.string(), started_at: z.string() })),
});

/** How many runner processes there were since the worker started. */
export const runnerTotalsSchema = z.object({
  started: z.number().int().meta({ description: 'Booted, spares that were never used among them' }),
  used: z.number().int().meta({ description: 'Given at least one execution' }),
});

/** `bifrost:worker:{id}`: one worker as its heartbeat describes it. */
export const workerRecordSchema = z.object({
  id: z.string(),
  type: z.string(),
  state: z.enum(WORKER_STATES),
  version: z.string(),
  host: z.string(),
  pid: z.number(),
  concurrency: z.number(),
  running: z.number(),
  lease: z
    .string()
    .optional()
    .meta({ description: 'Its key bifrost:lease:… is there while it lives; ends 10 s after a sudden death' }),
  started_at: z.string(),
  heartbeat_at: z.string(),
  runners: z.array(runnerRecordSchema),
  runner_totals: runnerTotalsSchema.optional(),
  isolation: z
    .enum(ISOLATION_LEVELS)
    .nullable()
    .optional()
    .meta({ description: 'Level at which its runners are isolated: docs/security-model.md' }),
  isolation_grade: z
    .enum(ISOLATION_GRADES)
    .optional()
    .meta({ description: 'What its self-test came to, A to D; absent until that is done' }),
  isolation_failed: z
    .array(z.string())
    .optional()
    .meta({ description: 'Checks of the self-test that failed' }),
  network: z
    .enum(NETWORK_POLICIES)
    .optional()
    .meta({ description: 'Most that user code has of the network' }),
  package_set: z.string().nullable(),
  packages: z
    .object({ state: z.enum(PACKAGES_STATES), failed: z.number().int() })
    .optional()
    .meta({ description: 'How far its packages are and how many failed; GET /packages shows which and why' }),
  workspace_generation: z.number().nullable(),
});

const count = (description: string) => z.number().int().meta({ description });

/** What a worker has ended, as its statistics say. */
export const workerCountsSchema = z.object({
  completed: count('Executions that succeeded'),
  failed: count('Executions that failed otherwise than the next two'),
  timed_out: count('Executions that reached their time limit'),
  cancelled: count('Executions that were cancelled'),
});

/** One entry of `GET /workers`. */
export const countedWorkerSchema = workerRecordSchema.extend(workerCountsSchema.shape).extend({
  alive: z.boolean().meta({
    description: 'false: its lease is gone. It died or is frozen, and is listed until its record expires',
  }),
});

export type WorkerCounts = z.infer<typeof workerCountsSchema>;
export type CountedWorker = z.infer<typeof countedWorkerSchema>;
export type RunnerTotals = z.infer<typeof runnerTotalsSchema>;
export type RunnerRecord = z.infer<typeof runnerRecordSchema>;
export type WorkerRecord = z.infer<typeof workerRecordSchema>;

/** How often a worker beats and how long it is believed, in milliseconds. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const HEARTBEAT_TTL_MS = 30_000;
