import type { JobsOptions } from 'bullmq';
import type { BACKOFF_TYPES } from '../../contract/jobs/job-options.js';

type Backoff = number | { type: (typeof BACKOFF_TYPES)[number]; delay: number };

/** What a request says of when and how often its execution starts; null and left out are the same. */
export interface TimingRequest {
  attempts?: number | null | undefined;
  backoff?: Backoff | null | undefined;
  /** Milliseconds. */
  delay?: number | null | undefined;
  runAt?: Date | null | undefined;
  priority?: number | null | undefined;
  /** Seconds. */
  ttl?: number | null | undefined;
}

/** The same for the job. */
export interface JobTiming {
  options: Pick<JobsOptions, 'attempts' | 'backoff' | 'delay' | 'priority'>;
  /** Unix milliseconds after which its code is not started for the first time; null: it may always be. */
  expiresAtMs: number | null;
  /** From now until the last attempt ends, if none has to wait for a worker. */
  periodSeconds: number;
}

/** Longest time for the attempts of an execution, beside its delay. */
const MAX_PERIOD_SECONDS = 30 * 86_400;

/** @param attemptSeconds how long one attempt may take */
export function timingOf(request: TimingRequest, attemptSeconds: number, nowMs: number): JobTiming {
  const { runAt, priority, ttl } = request;
  const retries = retriesOf(request);
  const delay = Math.max(0, runAt ? runAt.getTime() - nowMs : (request.delay ?? 0));
  return {
    options: { ...retries, ...(delay > 0 ? { delay } : {}), ...(priority ? { priority } : {}) },
    expiresAtMs: ttl == null ? null : nowMs + delay + ttl * 1000,
    periodSeconds: delay / 1000 + retryPeriodSeconds(retries, attemptSeconds),
  };
}

type Retries = Pick<JobsOptions, 'attempts' | 'backoff'>;

/** Nothing for an execution that is tried once. */
const retriesOf = ({ attempts, backoff }: TimingRequest): Retries =>
  (attempts ?? 1) === 1 ? {} : { attempts: attempts ?? 1, backoff: backoff ?? 0 };

/** How long all attempts and the pauses between them may take, at most 30 days. */
function retryPeriodSeconds({ attempts = 1, backoff = 0 }: Retries, attemptSeconds: number): number {
  const { type, delay = 0 } = typeof backoff === 'number' ? { type: 'fixed', delay: backoff } : backoff;
  const pauses = attempts - 1;
  const factors: Record<string, number> = {
    linear: (pauses * (pauses + 1)) / 2,
    exponential: 2 ** pauses - 1,
  };
  const pausesMs = delay * (factors[type] ?? pauses);
  return Math.min(attempts * attemptSeconds + pausesMs / 1000, MAX_PERIOD_SECONDS);
}
