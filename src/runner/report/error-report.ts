import type { LimitHit } from '../../boundary/runner-limits.js';
import { explainRefusal } from './refusal-words.js';
import { limitHitOf } from './limit-hit.js';
import { errorDetail } from './error-detail.js';
import { inspectValue, text } from '../channel/primordials.js';
import { withWrittenPlace } from './linked-place.js';
import { userFramesOf } from './user-frames.js';

/** What is reported of a thrown value. */
export interface ErrorReport {
  name: string;
  message: string;
  /** With those of its causes and of the errors that it gathers, as Node shows them. */
  stack: string | null;
  /** The limit of the worker that caused it. */
  limit: LimitHit | null;
  /** The code says that another attempt cannot help. */
  final: boolean;
  /** JSON text of its own fields, its causes and the errors that it gathers; `null`: it has none. */
  detail: string;
}

const NAME_LIMIT = 200;
const MESSAGE_LIMIT = 16_384;
const STACK_LIMIT = 65_536;

/** Describes anything that was thrown; never throws itself, whatever getters the value has. */
export function reportError(thrown: unknown): ErrorReport {
  try {
    const isError = isErrorLike(thrown);
    const message = isError ? text(thrown.message) : `thrown: ${inspectValue(thrown, INSPECTED)}`;
    return {
      name: isError ? nameOf(thrown).slice(0, NAME_LIMIT) : 'Error',
      message: explainRefusal(message).slice(0, MESSAGE_LIMIT),
      stack: isError ? explainRefusal(stackOf(thrown)).slice(0, STACK_LIMIT) : null,
      limit: isError ? limitHitOf(thrown) : null,
      final: isFinal(thrown),
      detail: errorDetail(thrown),
    };
  } catch {
    return {
      name: 'Error',
      message: 'the thrown value cannot be read',
      stack: null,
      limit: null,
      final: false,
      detail: 'null',
    };
  }
}

/** As deep as Node shows errors that end a program; no code of the user's decides how it looks. */
export const INSPECTED = { customInspect: false, depth: 5 } as const;

/** `retryable: false`, or the name that BullMQ and others have for such errors. */
function isFinal(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  const { retryable, name } = thrown as { retryable?: unknown; name?: unknown };
  return (
    retryable === false || name === 'UnrecoverableError' || thrown.constructor?.name === 'UnrecoverableError'
  );
}

/** As Node prints an error: its stack, its own fields, its causes. */
function stackOf(error: Error): string {
  const { stack } = error;
  if (typeof stack !== 'string') return `${nameOf(error)}: ${text(error.message)}`;
  if (!(error instanceof Error)) return userFramesOf(stack);
  return userFramesOf(withWrittenPlace(inspectValue(error, INSPECTED)));
}

/** The class name says more than `name`, which classes that extend Error rarely set. */
function nameOf(error: Error): string {
  const own = text(error.name);
  return own === 'Error' ? text(error.constructor?.name || own) : own;
}

/** Also errors of other realms, and what libraries make like them. */
const isErrorLike = (value: unknown): value is Error =>
  value instanceof Error ||
  (typeof value === 'object' &&
    value !== null &&
    typeof (value as Error).message === 'string' &&
    'stack' in value);
