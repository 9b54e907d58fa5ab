import type { InputFile } from '../../contract/fields/artifacts.js';
import type { ContextData, ExecuteCommand } from '../../boundary/runner-protocol.js';
import { deferFrame, json, sendFrame } from '../channel/channel.js';
import { inspectValue, now, text } from '../channel/primordials.js';
import { OwnGetter } from './own-getter.js';
import { ProgressPace } from './progress-pace.js';
import { createUserArtifacts, type UserArtifacts } from './user-artifacts.js';
import { createUserLogger, type UserLogger } from './user-logger.js';

/** The second argument of a workflow function. Declared for editors in examples/bifrost.d.ts. */
export interface UserContext extends Omit<ContextData, 'deadline' | 'files'> {
  /** Input files by name. */
  files: Readonly<Record<string, Buffer>>;
  artifacts: UserArtifacts;
  deadline: Date;
  signal: AbortSignal;
  logger: UserLogger;
  progress(fraction: number, message?: string): void;
  variables: Record<string, unknown>;
}

/** Builds the `context` that user code sees. `takeSignal`: called when the code takes the signal, and can react to it from then on. */
export function createUserContext(
  command: Pick<ExecuteCommand, 'context' | 'scratch' | 'keepsArtifacts'>,
  takeSignal: () => AbortSignal,
): UserContext {
  const { context: data } = command;
  const pace = new ProgressPace();
  // Fields by their names: gathering the rest of an object and spreading it is slow.
  const context: Omit<UserContext, 'signal'> = {
    executionId: data.executionId,
    attempt: data.attempt,
    run: data.run,
    starts: data.starts,
    schedule: data.schedule,
    children: data.children,
    childFailures: data.childFailures,
    workflowId: data.workflowId,
    name: data.name,
    config: data.config,
    startup: data.startup,
    event: data.event,
    extra: data.extra,
    caller: data.caller,
    organization: data.organization,
    secrets: data.secrets,
    traceparent: data.traceparent,
    deadline: new Date(data.deadline),
    logger: createUserLogger(),
    files: bytesOf(data.files),
    artifacts: createUserArtifacts(command),
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
  return signalOf.put(context, takeSignal);
}

const signalOf = new OwnGetter<'signal', AbortSignal>('signal');

/** Its execution is over: a runner that waits keeps nothing of it. */
export const forgetContext = (): void => signalOf.forget();

function bytesOf(files: Readonly<Record<string, InputFile>>): Record<string, Buffer> {
  const all = Object.entries(files).map(([name, file]): [string, Buffer] => [
    name,
    typeof file === 'string' ? Buffer.from(file) : Buffer.from(file.base64, 'base64'),
  ]);
  return Object.fromEntries(all);
}

const PROGRESS_MESSAGE_LIMIT = 1000;
