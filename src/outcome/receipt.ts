import type { Metrics } from '../contract/result.js';
import type { RunEnd } from './run-end.js';

/** How long its job waited, in milliseconds; null: not known. */
export interface QueueTimes {
  queue: number | null;
  delay: number | null;
  backoff: number | null;
}

/** The part of a receipt that the queue knows. */
export function waitMetrics({ queue, delay, backoff }: QueueTimes): Metrics {
  const metrics: Metrics = { queue_ms: queue };
  if (delay !== null) metrics['delay_ms'] = delay;
  if (backoff !== null) metrics['backoff_ms'] = backoff;
  return metrics;
}

/** The part of a receipt that the run of the code shows. */
export function runMetrics({
  report,
  kernelUsage,
  peakMb,
  loadMs,
  durationMs,
  networkBytes,
}: RunEnd): Metrics {
  const usage = report?.usage;
  const userMs = usage?.userMs ?? kernelUsage?.userMs ?? null;
  const systemMs = usage?.systemMs ?? kernelUsage?.systemMs ?? null;
  const memoryMb = round(Math.max(peakMb, usage?.maxRssMb ?? 0));
  const userSeconds = userMs === null ? null : userMs / 1000;
  const systemSeconds = systemMs === null ? null : systemMs / 1000;
  const metrics: Metrics = {
    peak_memory_mb: memoryMb,
    user_time_seconds: userSeconds,
    system_time_seconds: systemSeconds,
    peak_memory_bytes: Math.round(memoryMb * BYTES_OF_MB),
    cpu_user_seconds: userSeconds,
    cpu_system_seconds: systemSeconds,
    cpu_total_seconds: userMs === null || systemMs === null ? null : Math.round(userMs + systemMs) / 1000,
    module_load_ms: loadMs === null ? null : round(loadMs),
    run_ms: round(durationMs),
  };
  if (networkBytes !== null) metrics['network_bytes'] = networkBytes;
  return metrics;
}

const BYTES_OF_MB = 1_048_576;

/** To hundredths, which is as much as a figure of a receipt says. */
export const round = (value: number): number => Math.round(value * 100) / 100;
