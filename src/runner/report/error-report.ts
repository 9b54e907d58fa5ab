import type { LimitHit } from '../../boundary/runner-limits.js';
import { limitHitOf } from './limit-hit.js';
import { inspectValue, text } from '../channel/primordials.js';

/** What is reported of a thrown value. */
export interface ErrorReport {
  name: string;
  message: string;
  stack: string | null;
  /** The limit of the worker that caused it. */
  limit: LimitHit | null;
  /** The code says that another attempt cannot help. */
  final: boolean;
}

const NAME_LIMIT = 200;
const MESSAGE_LIMIT = 16_384;
const STACK_LIMIT = 65_536;
const CAUSE_LIMIT = 5;
const NODE_FRAME = /^ {4}at .*node:internal\//;

/** Describes anything that was thrown; never throws itself, whatever getters the value has. */
export function reportError(thrown: unknown, ownFile: string): ErrorReport {
  try {
    if (!isErrorLike(thrown)) {
      return {
        name: 'Error',
        message: `thrown: ${inspectValue(thrown)}`.slice(0, MESSAGE_LIMIT),
        stack: null,
        limit: null,
        final: isFinal(thrown),
      };
    }
    return {
      name: nameOf(thrown).slice(0, NAME_LIMIT),
      message: text(thrown.message).slice(0, MESSAGE_LIMIT),
      stack: stackOf(thrown, ownFile).slice(0, STACK_LIMIT),
      limit: limitHitOf(thrown),
      final: isFinal(thrown),
    };
  } catch {
    return {
      name: 'Error',
      message: 'the thrown value cannot be read',
      stack: null,
      limit: null,
      final: false,
    };
  }
}

/** `retryable: false`, or the name that BullMQ and others have for such errors. */
function isFinal(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  const { retryable, name } = thrown as { retryable?: unknown; name?: unknown };
  return (
    retryable === false || name === 'UnrecoverableError' || thrown.constructor?.name === 'UnrecoverableError'
  );
}

/** The stack and those of its causes, without the frames of the runner. */
function stackOf(error: Error, ownFile: string): string {
  let stack = userFrames(error, ownFile);
  let cause: unknown = error.cause;
  for (let depth = 0; depth < CAUSE_LIMIT && cause !== undefined; depth++) {
    stack += `\n[cause]: ${isErrorLike(cause) ? userFrames(cause, ownFile) : inspectValue(cause)}`;
    cause = isErrorLike(cause) ? cause.cause : undefined;
  }
  return stack;
}

/** The error's stack without the runner's frames and without Node's at its end: how the code was started is ours. */
function userFrames(error: Error, ownFile: string): string {
  const lines = text(error.stack ?? `${nameOf(error)}: ${text(error.message)}`).split('\n');
  const kept = lines.filter((line) => !line.includes(ownFile));
  while (kept.length > 1 && NODE_FRAME.test(kept[kept.length - 1] as string)) kept.pop();
  return kept.join('\n');
}

/** The class name says more than `name`, which classes that extend Error rarely set. */
function nameOf(error: Error): string {
  const own = text(error.name);
  return own === 'Error' ? text(error.constructor?.name || own) : own;
}

const isErrorLike = (value: unknown): value is Error =>
  value instanceof Error ||
  (typeof value === 'object' &&
    value !== null &&
    typeof (value as Error).message === 'string' &&
    'stack' in value);
