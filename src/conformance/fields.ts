import { metricsSchema, resultSchema } from '../contract/result.js';
import { workerRecordSchema } from '../contract/worker-record.js';

/** Of executions that ran more than once, run again, were cancelled, left files, or are ticks of a schedule. */
const RARE_RESULT_FIELDS = new Set([
  'run',
  'again_of',
  'schedule',
  'cancellation',
  'attempts',
  'start_history',
  'artifacts',
]);
const RARE_METRICS = new Set(['delay_ms', 'backoff_ms', 'network_bytes']);

/** Fields of every result, null ones included. */
export const RESULT_FIELDS = Object.keys(resultSchema.shape).filter((name) => !RARE_RESULT_FIELDS.has(name));
/** Figures of every result of code that ran. */
export const METRICS = Object.keys(metricsSchema.shape).filter((name) => !RARE_METRICS.has(name));
/** Fields of every record of a worker that takes work. */
export const WORKER_FIELDS = Object.keys(workerRecordSchema.shape);
/** Fields of every entry of a log stream. */
export const LOG_FIELDS = ['type', 'ts', 'attempt', 'run', 'n'];
export const TASK_FIELDS = ['taskId', 'workerId', 'status', 'executionTimeMs'];
