import { Logger } from '@nestjs/common';
import pRetry from 'p-retry';
import { SettingsError } from '../config/settings.js';
import type { IsolationSettings } from '../config/slices.js';
import type { IsolationLevelName } from '../contract/confinement.js';
import type { IsolationLevel } from './isolation-level.js';

/** A level that may be chosen, or the reason why it cannot be on this machine. */
export type Candidate = { name: IsolationLevelName } & ({ level: IsolationLevel } | { unavailable: string });

/** Proves by running code that a level works here. @throws Error that says why not. */
export type Proof = (level: IsolationLevel) => Promise<void>;

/** What was chosen, and why nothing stronger. */
export interface Choice {
  level: IsolationLevel;
  /** One line for each stronger level that does not work here. */
  passedOver: string[];
}

/** No level that is allowed works on this machine; the message says why, and what to do. */
export class NoIsolationError extends Error {
  override name = 'NoIsolationError';

  /** @param mayPass the machine was short of something: another try may succeed */
  constructor(
    message: string,
    readonly mayPass: boolean,
  ) {
    super(message);
  }
}

/** The same for the operator: names the setting that asked for the level, and how to do without. */
export const levelRefusal = (error: NoIsolationError, { askedBy }: IsolationSettings): SettingsError =>
  new SettingsError(
    askedBy === 'NATIVE_ADDONS'
      ? `The configuration cannot be used:\n  NATIVE_ADDONS: on needs the level namespace: ${error.message}; or set NATIVE_ADDONS=off`
      : `The configuration cannot be used:\n  ISOLATION: ${error.message}; or set ISOLATION=auto`,
  );

/**
 * What the system says when it is short of space, memory, processes or files, or kills for want of memory; and a
 * runner that was too slow.
 */
const SHORTAGE =
  /\b(ENOSPC|EDQUOT|ENOMEM|EAGAIN|EMFILE|ENFILE|No space left|Cannot allocate memory|Resource temporarily unavailable|Too many open files|SIGKILL|not ready within|did not answer within)\b/i;

/** What the kernel, its policies or the programs here say for good. */
const REFUSAL =
  /\b(EPERM|EACCES|ENOSYS|EINVAL|ENOENT|SIGSYS|Operation not permitted|Permission denied|No permissions|Function not implemented|Invalid argument|No such file|bad option)\b/i;

/** Whether what went wrong may go well a moment later, on the same machine with the same settings. */
export const isShortage = (error: Error): boolean => SHORTAGE.test(`${codeOf(error)} ${error.message}`);

const codeOf = ({ code = '' }: NodeJS.ErrnoException): string => code;

const TRIES = 5;
const FIRST_PAUSE_MS = 500;
const logger = new Logger('Isolation');

/**
 * Does what shows how well processes are kept apart here, again after 0.5, 1, 2 and 4 s unless it fails for good:
 * one passing failure must not decide that for as long as the worker lives. Each further try is logged.
 * @param what for the log, such as `namespace`
 * @throws what the last try threw
 */
export function triedAgain<T>(
  what: string,
  step: () => Promise<T>,
  { firstPauseMs = FIRST_PAUSE_MS }: { firstPauseMs?: number } = {},
): Promise<T> {
  return pRetry(step, {
    retries: TRIES - 1,
    minTimeout: firstPauseMs,
    shouldRetry: ({ error }) => isShortage(error) || !REFUSAL.test(error.message),
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || (!isShortage(error) && REFUSAL.test(error.message))) return;
      logger.warn({ msg: 'isolation is tried again', what, reason: onOneLine(error) });
    },
  });
}

/** What the operator must change for a level to work. */
const REMEDIES: Readonly<Record<IsolationLevelName, string>> = {
  namespace:
    'install bubblewrap (apt-get install bubblewrap) and allow user namespaces (sysctl user.max_user_namespaces, and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu); in a container allow them in its seccomp profile',
  process: 'run Node 26 on Linux on x64 or arm64 with seccomp',
  thread: 'set RUNNER=thread and TRUSTED_CODE=true',
};

/**
 * The first of `candidates`, which are in falling strength, that works. A single one was asked for by name;
 * of several the last is taken also where its proof fails: what is wrong may pass, and until then no runner
 * boots, which the pool reports. A proof that fails is tried again, unless the kernel refuses: see
 * {@link triedAgain}.
 * @throws {NoIsolationError} when the only candidate does not work.
 */
export async function chooseLevel(
  candidates: readonly Candidate[],
  prove: Proof,
  pauses: { firstPauseMs?: number } = {},
): Promise<Choice> {
  const last = candidates.at(-1);
  const passedOver: string[] = [];
  for (const candidate of candidates) {
    const reason =
      'level' in candidate
        ? await failureOf(candidate.name, () => prove(candidate.level), pauses)
        : candidate.unavailable;
    if (reason === null && 'level' in candidate) return { level: candidate.level, passedOver };
    const isLast = candidate === last && candidates.length > 1;
    if (isLast && 'level' in candidate) return { level: candidate.level, passedOver };
    passedOver.push(
      `${candidate.name} does not work here: ${reason}. To have it, ${REMEDIES[candidate.name]}`,
    );
  }
  const reasons = passedOver.join('\n');
  throw new NoIsolationError(reasons, SHORTAGE.test(reasons));
}

async function failureOf(
  name: IsolationLevelName,
  prove: () => Promise<void>,
  pauses: { firstPauseMs?: number },
): Promise<string | null> {
  try {
    await triedAgain(name, prove, pauses);
    return null;
  } catch (error) {
    return onOneLine(error as Error);
  }
}

const onOneLine = ({ message }: Error): string => message.trim().replace(/\s*\n\s*/g, ' | ');
