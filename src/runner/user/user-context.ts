import type { ContextData } from '../../boundary/runner-protocol.js';
import { deferFrame, json, sendFrame } from '../channel/channel.js';
import { inspectValue, now, text } from '../channel/primordials.js';
import { ProgressPace } from './progress-pace.js';
import { createUserLogger, type UserLogger } from './user-logger.js';

/** The second argument of a workflow function. Declared for editors in examples/bifrost.d.ts. */
export interface UserContext extends Omit<ContextData, 'deadline'> {
  deadline: Date;
  signal: AbortSignal;
  logger: UserLogger;
  progress(fraction: number, message?: string): void;
  variables: Record<string, unknown>;
}

/** Builds the `context` that user code sees. `onSignal`: called when the code takes the signal, and can react to it from then on. */
export function createUserContext(data: ContextData, signal: AbortSignal, onSignal: () => void): UserContext {
  const pace = new ProgressPace();
  return {
    ...data,
    deadline: new Date(data.deadline),
    get signal() {
      onSignal();
      return signal;
    },
    logger: createUserLogger(),
    progress(fraction, message) {
      if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) {
        throw new RangeError(
          `progress: fraction must be a number from 0 to 1, not ${inspectValue(fraction)}`,
        );
      }
      const fields = {
        fraction: `${fraction}`,
        message: message === undefined ? 'null' : json(text(message).slice(0, PROGRESS_MESSAGE_LIMIT)),
      };
      if (pace.isDue(now())) sendFrame('progress', fields);
      else deferFrame('progress', fields);
    },
    variables: {},
  };
}

const PROGRESS_MESSAGE_LIMIT = 1000;
