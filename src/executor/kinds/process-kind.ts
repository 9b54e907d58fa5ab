import { KIND_RULES } from '../../config/kind-rules.js';
import { ProcessSlot } from './process-slot.js';
import type { RunnerKind } from './runner-kind.js';

/** Stacks of threads and what Node allocates by itself when code first uses a part of it. */
const DATA_SLACK_MB = 64;

/** An execution has a process to itself. */
export const processKind: RunnerKind = {
  ...KIND_RULES.process,
  name: 'process',
  entries: ['process'],
  ownsProcess: true,
  dataSlackMb: DATA_SLACK_MB,
  hostFrames: [],
  // Node answers SIGINT with the place where blocked code is. The inspector is for the runner's own
  // look at local variables; the right to it is dropped before user code is loaded.
  flags: ({ heapMb }) => [`--max-old-space-size=${heapMb}`, '--trace-sigint', '--allow-inspector'],
  programArguments: ({ network, nativeAddons, packageSets, maxExecutions }) => [
    network,
    nativeAddons ? packageSets : '',
    maxExecutions === 1 ? 'once' : 'again',
  ],
  openSlot: (runner, scratch) => new ProcessSlot(runner, scratch),
};
