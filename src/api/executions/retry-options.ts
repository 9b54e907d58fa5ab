import type { JobsOptions } from 'bullmq';
import type { BACKOFF_TYPES } from '../../contract/jobs/job-options.js';

/** The part of BullMQ's job options that says how often a job is tried. */
export type Retries = Pick<JobsOptions, 'attempts' | 'backoff'>;

type Backoff = number | { type: (typeof BACKOFF_TYPES)[number]; delay: number };

/** Longest time for which the context of an execution is kept for its attempts. */
const MAX_PERIOD_SECONDS = 30 * 86_400;

/** Job options of an execution that is tried so often; nothing for one that is tried once. */
export const retryOptions = (attempts: number, backoff: Backoff): Retries =>
  attempts === 1 ? {} : { attempts, backoff };

/** How long all attempts and the pauses between them may take, at most 30 days. */
export function retryPeriodSeconds({ attempts = 1, backoff = 0 }: Retries, attemptSeconds: number): number {
  const { type, delay = 0 } = typeof backoff === 'number' ? { type: 'fixed', delay: backoff } : backoff;
  const pauses = attempts - 1;
  const factors: Record<string, number> = {
    linear: (pauses * (pauses + 1)) / 2,
    exponential: 2 ** pauses - 1,
  };
  const pausesMs = delay * (factors[type] ?? pauses);
  return Math.min(attempts * attemptSeconds + pausesMs / 1000, MAX_PERIOD_SECONDS);
}
