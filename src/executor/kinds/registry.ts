import type { RunnerKindName } from '../../contract/confinement.js';
import { processKind } from './process-kind.js';
import type { RunnerKind } from './runner-kind.js';
import { threadKind } from './thread-kind.js';

/** Every kind of runner. */
export const KINDS: Readonly<Record<RunnerKindName, RunnerKind>> = {
  process: processKind,
  thread: threadKind,
};
