import type { JobsOptions } from 'bullmq';

/** Most attempts that a job may ask for: beyond it a job that always fails would as good as never end. */
export const MAX_ATTEMPTS = 1000;
/** Longest pause: BullMQ orders delayed jobs by a number that holds no time much further away. */
export const MAX_PAUSE_MS = 365 * 86_400_000;

/**
 * Until when a job is delayed that must not be taken, such as one above a cap: Unix milliseconds, beyond any delay that a
 * job may ask for, so that such a job is recognized by its time alone. BullMQ keeps no time after 2039.
 */
export const HELD_UNTIL_MS = Date.UTC(2038, 0, 1);

/** Ways in which the pause before another attempt grows. */
export const BACKOFF_TYPES = ['fixed', 'linear', 'exponential'] as const;
type BackoffType = (typeof BACKOFF_TYPES)[number];

/** An option of a job that cannot be carried out. */
export interface OptionTrouble {
  /** Such as `opts.backoff`. */
  field: string;
  message: string;
}

/** Option that stands for options which are not JSON, see {@link optionTrouble}. */
export const UNREADABLE_OPTION = 'bifrost:unreadable';

type Check = (value: unknown, opts: Options) => string | null;
type Options = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isPause = (value: unknown): value is number => isNumber(value) && value >= 0 && value <= MAX_PAUSE_MS;
/** The delay of a job that this product holds. */
const isHold = (value: unknown): boolean =>
  isNumber(value) && value < HELD_UNTIL_MS && Date.now() + value >= HELD_UNTIL_MS;
const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 80);

/**
 * The first option that BullMQ or this worker could not carry out; null: there is none. To be asked before
 * code runs, since BullMQ finds out only when the job is to be retried or finished, and then leaves it active.
 */
export function optionTrouble(opts: object): OptionTrouble | null {
  const options = opts as Options;
  if (UNREADABLE_OPTION in options)
    return { field: 'opts', message: `the job cannot be read: ${String(options[UNREADABLE_OPTION])}` };
  for (const [option, check] of Object.entries(CHECKS)) {
    const value = options[option];
    const message = value == null ? null : check(value, options);
    if (message !== null) return { field: `opts.${option}`, message: `${message}; it is ${shown(value)}` };
  }
  return null;
}

const CHECKS: Readonly<Record<string, Check>> = {
  attempts: (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ATTEMPTS
      ? null
      : `must be a whole number from 0 to ${MAX_ATTEMPTS}`,
  // Used between attempts only: what a single attempt brings along harms nothing.
  backoff: (value, { attempts }) => (isNumber(attempts) && attempts > 1 ? backoffFault(value) : null),
  delay: (value) =>
    isPause(value) || isHold(value) ? null : `must be a number of milliseconds from 0 to ${MAX_PAUSE_MS}`,
  timestamp: (value) => (isNumber(value) ? null : 'must be a time in Unix milliseconds'),
  removeOnComplete: keepFault,
  removeOnFail: keepFault,
};

function backoffFault(value: unknown): string | null {
  if (isPause(value)) return null;
  const { type, delay, jitter } = (typeof value === 'object' ? value : {}) as Record<string, unknown>;
  if (!BACKOFF_TYPES.includes(type as BackoffType))
    return `must be milliseconds, or {type, delay} with a type of ${BACKOFF_TYPES.join(', ')}`;
  if (delay != null && !isPause(delay)) return `must have a delay from 0 to ${MAX_PAUSE_MS} ms`;
  if (jitter != null && !(isNumber(jitter) && jitter >= 0 && jitter <= 1))
    return 'must have a jitter from 0 to 1';
  return null;
}

function keepFault(value: unknown): string | null {
  if (typeof value === 'boolean' || isNumber(value)) return null;
  const fields = typeof value === 'object' ? Object.entries(value as object) : [['', null]];
  return fields.every(([name, part]) => ['age', 'count', 'limit'].includes(String(name)) && isNumber(part))
    ? null
    : 'must be true, false, a number of jobs, or {age, count} with numbers';
}

/**
 * Pause before the next attempt, in milliseconds, by BullMQ's own formulas.
 * @param backoff an option that {@link optionTrouble} accepts
 * @param failed attempts that have failed so far, this one included
 * @param random 0 to 1, decides about the jitter
 */
export function pauseBeforeRetryMs(
  backoff: JobsOptions['backoff'] | null,
  failed: number,
  random: number,
): number {
  if (backoff == null) return 0;
  const {
    type,
    delay = 0,
    jitter = 0,
  } = typeof backoff === 'number' ? { type: 'fixed', delay: backoff } : backoff;
  const full = delay * factorOf(type as BackoffType, failed);
  const pause = full * (1 - jitter) + random * full * jitter;
  return Math.min(Math.round(pause), MAX_PAUSE_MS);
}

function factorOf(type: BackoffType, failed: number): number {
  switch (type) {
    case 'fixed':
      return 1;
    case 'linear':
      return failed;
    case 'exponential':
      return 2 ** (failed - 1);
  }
}
