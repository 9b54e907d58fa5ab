import { KIND_RULES } from '../../config/kind-rules.js';
import type { RunnerLaunch } from '../process/runner-launch.js';
import type { RunnerKind } from './runner-kind.js';
import { ThreadSlot } from './thread-slot.js';

/** What a thread runs. */
const THREAD_ENTRY = 'thread';

const threadBundle = ({ bundles }: RunnerLaunch): string => bundles[THREAD_ENTRY] as string;

/** Executions share a process as threads; for trusted code. */
export const threadKind: RunnerKind = {
  ...KIND_RULES.thread,
  name: 'thread',
  entries: ['thread-host', THREAD_ENTRY],
  ownsProcess: false,
  // Each thread reserves half a gigabyte, and which of them gets the error would be chance.
  dataSlackMb: null,
  hostFrames: ['used', 'thread-ended'],
  // To find out where blocked threads are; user code is refused the module.
  flags: (launch) => ['--allow-worker', '--allow-inspector', `--allow-fs-read=${threadBundle(launch)}`],
  programArguments: (launch) => [
    threadBundle(launch),
    ...[launch.heapMb, launch.memoryMb, launch.maxExecutions].map(String),
  ],
  openSlot: (runner, scratch) => new ThreadSlot(runner, scratch),
};
