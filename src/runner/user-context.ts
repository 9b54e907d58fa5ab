import type { ContextData } from '../contract/runner-protocol.js';
import { json, sendFrame } from './channel.js';
import { emitOutput } from './output-capture.js';
import { inspectValue, text } from './primordials.js';

type Log = (message: unknown, fields?: Record<string, unknown>) => void;

/** The second argument of a workflow function. Declared for editors in examples/bifrost.d.ts. */
export interface UserContext extends Omit<ContextData, 'deadline'> {
  deadline: Date;
  signal: AbortSignal;
  logger: Record<'debug' | 'info' | 'warn' | 'error', Log>;
  progress(fraction: number, message?: string): void;
  variables: Record<string, unknown>;
}

/** Builds the `context` that user code sees. `onSignal`: called when the code takes the signal, and can hear it from then on. */
export function createUserContext(data: ContextData, signal: AbortSignal, onSignal: () => void): UserContext {
  const log =
    (level: string): Log =>
    (message, fields) => {
      const line = typeof message === 'string' ? message : inspectValue(message);
      emitOutput('stdout', level, `${line}${fields === undefined ? '' : ` ${inspectValue(fields)}`}\n`);
    };
  return {
    ...data,
    deadline: new Date(data.deadline),
    get signal() {
      onSignal();
      return signal;
    },
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    progress(fraction, message) {
      if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) {
        throw new RangeError(
          `progress: fraction must be a number from 0 to 1, not ${inspectValue(fraction)}`,
        );
      }
      sendFrame('progress', {
        fraction: `${fraction}`,
        message: message === undefined ? 'null' : json(text(message).slice(0, PROGRESS_MESSAGE_LIMIT)),
      });
    },
    variables: {},
  };
}

const PROGRESS_MESSAGE_LIMIT = 1000;
