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

/** What the system says when it is short of space, memory, processes or files; and a runner that was too slow to boot. */
const SHORTAGE =
  /\b(ENOSPC|EDQUOT|ENOMEM|EAGAIN|EMFILE|ENFILE|No space left|Cannot allocate memory|not ready within)\b/i;

/** What the operator must change for a level to work. */
const REMEDIES: Readonly<Record<IsolationLevelName, string>> = {
  namespace:
    'install bubblewrap (apt-get install bubblewrap) and allow user namespaces (sysctl user.max_user_namespaces, and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu); in a container allow them in its seccomp profile',
  process: 'run Node 26 on Linux on x64 or arm64 with seccomp',
  thread: 'set RUNNER=thread and TRUSTED_CODE=true',
};

const PROOF_TRIES = 3;

/**
 * The first of `candidates`, which are in falling strength, that works. A single one was asked for by name;
 * of several the last is taken also where its proof fails: what is wrong may pass, and until then no runner
 * boots, which the pool reports.
 * @throws {NoIsolationError} when the only candidate does not work.
 */
export async function chooseLevel(candidates: readonly Candidate[], prove: Proof): Promise<Choice> {
  const last = candidates.at(-1);
  const passedOver: string[] = [];
  // Without an alternative a failure ends the worker: one that passes must not.
  const tries = candidates.length === 1 ? PROOF_TRIES : 1;
  for (const candidate of candidates) {
    const reason =
      'level' in candidate ? await failureOf(prove, candidate.level, tries) : candidate.unavailable;
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

async function failureOf(prove: Proof, level: IsolationLevel, tries: number): Promise<string | null> {
  try {
    await prove(level);
    return null;
  } catch (error) {
    if (tries > 1) return failureOf(prove, level, tries - 1);
    return (error as Error).message.trim().replace(/\s*\n\s*/g, ' | ');
  }
}
