import { z } from 'zod';
import type { ExecutionResult, LogEntry } from '../result.js';

/*
 * What the execution engine reads beside results: its own names of states, the list at which a caller waits,
 * and the channel of updates. Which settings serve them: docs/drop-in.md.
 */

/** States as the engine names them; `CompletedWithErrors`: the code returned an object whose `success` is false. */
export const ENGINE_STATUSES = [
  'Running',
  'Success',
  'CompletedWithErrors',
  'Failed',
  'Timeout',
  'Cancelled',
] as const;
export type EngineStatus = (typeof ENGINE_STATUSES)[number];

/** How the engine names the end of an execution. */
export function engineStatus({ status, result }: Pick<ExecutionResult, 'status' | 'result'>): EngineStatus {
  switch (status) {
    case 'succeeded':
      return reportsErrors(result) ? 'CompletedWithErrors' : 'Success';
    case 'failed':
      return 'Failed';
    case 'timed_out':
      return 'Timeout';
    case 'cancelled':
      return 'Cancelled';
  }
}

const reportsErrors = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { success?: unknown }).success === false;

/** Entry of the list `bifrost:result:{execution_id}`: what a waiting caller gets. */
export const waitedResultSchema = z.object({
  status: z.enum(ENGINE_STATUSES).exclude(['Running']),
  result: z.unknown(),
  error: z.string().nullable(),
  error_type: z.string().nullable(),
  duration_ms: z.number().int(),
});

export type WaitedResult = z.infer<typeof waitedResultSchema>;

/** A caller reads its entry within this time, or finds none. */
export const WAITED_RESULT_TTL_SECONDS = 60;

export const toWaitedResult = (result: ExecutionResult): WaitedResult => ({
  status: engineStatus(result) as WaitedResult['status'],
  result: result.result ?? null,
  error: result.error,
  error_type: result.error_type,
  duration_ms: Math.round(result.duration_ms),
});

/** Message on `bifrost:execution:{execution_id}`: a new state, or a log entry. */
export const executionUpdateSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('execution_update'),
    executionId: z.string(),
    status: z.enum(ENGINE_STATUSES),
    result: z.unknown().optional().meta({ description: 'Of an end that is a success' }),
    durationMs: z.number().int().optional().meta({ description: 'Of an end that is a success' }),
    error: z.string().nullish().meta({ description: 'Of any other end' }),
    errorType: z.string().nullish().meta({ description: 'Of any other end' }),
  }),
  z.object({
    type: z.literal('execution_log'),
    executionId: z.string(),
    level: z.string().meta({ description: 'In capitals' }),
    message: z.string(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    timestamp: z.string(),
    sequence: z.number().int().meta({ description: 'Counts the entries of a run of the log' }),
  }),
]);

export type ExecutionUpdate = z.infer<typeof executionUpdateSchema>;

export const startUpdate = (executionId: string): ExecutionUpdate => ({
  type: 'execution_update',
  executionId,
  status: 'Running',
});

export const endUpdate = (result: ExecutionResult): ExecutionUpdate => ({
  type: 'execution_update',
  executionId: result.execution_id,
  status: engineStatus(result),
  ...(result.success
    ? { result: result.result ?? null, durationMs: Math.round(result.duration_ms) }
    : { error: result.error, errorType: result.error_type }),
});

/** The engine's names of levels; ours are those of a console. */
export const engineLevel = (level: string): string =>
  level === 'warn' ? 'WARNING' : level === 'log' ? 'INFO' : level.toUpperCase();

/** Fields that an entry of the log stream also has with LOG_FIELDS=engine: field, value, field, value … */
export const engineLogFields = (executionId: string, { ts, fields }: LogEntry): string[] => [
  'execution_id',
  executionId,
  'timestamp',
  ts,
  'metadata',
  JSON.stringify(fields ?? {}),
];

/**
 * Message on `bifrost:pool:{worker_id}:commands`. A process is replaced after what it runs, as by the
 * commands `recycle` and `recycle_runner` of control.ts.
 */
export const poolCommandSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('recycle_all'), reason: z.string().nullish() }),
  z.object({
    action: z.literal('recycle_process'),
    pid: z.number().int().positive(),
    reason: z.string().nullish(),
  }),
]);

/** `bifrost:module:{path}`: a module that another program keeps; `bifrost:module:index` is the set of all paths. */
export const storedModuleSchema = z.looseObject({
  content: z.string({ error: 'must be a string' }),
  path: z.string().nullish(),
  hash: z
    .string()
    .nullish()
    .meta({ description: 'Not read: modules are known by the SHA-256 of their content' }),
});
