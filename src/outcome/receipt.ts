import type { Metrics } from '../contract/result.js';
import type { RunEnd } from './run-end.js';

/** How long its job waited, in milliseconds; null: not known. */
export interface QueueTimes {
  queue: number | null;
  delay: number | null;
  backoff: number | null;
}

/** The part of a receipt that the queue knows. */
export const waitMetrics = ({ queue, delay, backoff }: QueueTimes): Metrics => ({
  queue_ms: queue,
  ...(delay === null ? {} : { delay_ms: delay }),
  ...(backoff === null ? {} : { backoff_ms: backoff }),
});

/** The part of a receipt that the run of the code shows. */
export function runMetrics({ report, kernelUsage, peakMb, loadMs, durationMs }: RunEnd): Metrics {
  const usage = report?.usage;
  const userMs = usage?.userMs ?? kernelUsage?.userMs ?? null;
  const systemMs = usage?.systemMs ?? kernelUsage?.systemMs ?? null;
  return {
    peak_memory_mb: round(Math.max(peakMb, usage?.maxRssMb ?? 0)),
    user_time_seconds: userMs === null ? null : userMs / 1000,
    system_time_seconds: systemMs === null ? null : systemMs / 1000,
    module_load_ms: loadMs === null ? null : round(loadMs),
    run_ms: round(durationMs),
  };
}

/** To hundredths, which is as much as a figure of a receipt says. */
export const round = (value: number): number => Math.round(value * 100) / 100;
