import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { NetworkPolicy } from '../../contract/confinement.js';
import type { IsolationLevel, RunnerPlace } from '../../isolation/isolation-level.js';
import type { OutletServices } from '../network/network-outlet.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { yieldToWorker } from '../../isolation/yield-to-worker.js';

/** Which kind of place for executions a runner process offers. */
export type RunnerKind = 'process' | 'thread';

/** What is needed to start a runner. */
export interface RunnerLaunch {
  kind: RunnerKind;
  /** Executions that it takes at once. */
  slots: number;
  bundle: string;
  /** What a thread runs; for the kind `thread`. */
  threadBundle: string;
  level: IsolationLevel;
  place: RunnerPlace;
  /** Most that an execution may have of the network. */
  network: NetworkPolicy;
  /** For executions that reach the network through the worker; null: there are none. */
  outlet: OutletServices | null;
  /** Limit of the JavaScript heap of one execution. */
  heapMb: number;
  /** Memory of one execution. */
  memoryMb: number;
  /** After so many executions a thread is replaced; 0: never. */
  maxExecutions: number;
  /** Folder of package sets, which user code may read. */
  packageSets: string;
  /** What the kernel enforces on the process. */
  resources: ResourceLimits;
  /** Longest frame that is read before the runner is given up. */
  frameLimitBytes: number;
}

/** A runner could not be started; the message says why. Not the fault of any execution. */
export class RunnerBootError extends Error {
  override name = 'RunnerBootError';
}

/** Node's own flags that every runner gets: its permission model is the inner layer of the isolation. */
function runnerFlags(launch: RunnerLaunch): string[] {
  return [
    '--permission',
    // For the calls that confine the runner; dropped before user code is loaded.
    '--allow-ffi',
    ...(launch.network === 'open' ? ['--allow-net'] : []),
    `--allow-fs-read=${launch.bundle}`,
    `--allow-fs-read=${launch.place.scratch}`,
    `--allow-fs-read=${launch.packageSets}/*`,
    `--allow-fs-write=${launch.place.scratch}`,
    // node:sqlite opens files past the permission model.
    '--no-experimental-sqlite',
    // Fresh memory of a buffer may have held what the runner or an earlier execution had.
    '--zero-fill-buffers',
    '--disable-sigusr1',
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    ...kindFlags(launch),
  ];
}

function kindFlags({ kind, heapMb, threadBundle }: RunnerLaunch): string[] {
  switch (kind) {
    case 'process':
      // Node answers SIGINT with the place where blocked code is. The inspector is for the runner's own
      // look at local variables; the right to it is dropped before user code is loaded.
      return [`--max-old-space-size=${heapMb}`, '--trace-sigint', '--allow-inspector'];
    case 'thread':
      // To find out where blocked threads are; user code is refused the module.
      return ['--allow-worker', '--allow-inspector', `--allow-fs-read=${threadBundle}`];
  }
}

/** Descriptors 0 to 4; behind them that of the level and NETWORK_FD. */
const PROTOCOL_STDIO = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] as const;

/**
 * Starts the operating system's process of a runner, in a process group of its own.
 * @throws {RunnerBootError}
 */
export function spawnRunner(launch: RunnerLaunch): Promise<ChildProcess> {
  const { bundle, threadBundle, heapMb, memoryMb, maxExecutions, level, place } = launch;
  const more =
    launch.kind === 'thread'
      ? [threadBundle, ...[heapMb, memoryMb, maxExecutions].map(String)]
      : [launch.network];
  const own = [JSON.stringify(level.confinement(place)), JSON.stringify(launch.resources), ...more];
  const { file, args, cwd, extraFile } = level.command(place, [...runnerFlags(launch), bundle, ...own]);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new RunnerBootError(`a runner could not be started: ${error.message}`));
    let extra: number | null = null;
    try {
      extra = extraFile === null ? null : openSync(extraFile, 'r');
      const child = spawn(file, args, {
        cwd,
        env: {},
        stdio: [...PROTOCOL_STDIO, extra ?? 'ignore', ...(launch.outlet === null ? [] : ['pipe' as const])],
        // A process group of its own, to be killed as a whole.
        detached: true,
      });
      child.once('error', fail);
      child.once('spawn', () => resolve(child));
      if (child.pid !== undefined) yieldToWorker(child.pid);
    } catch (error) {
      fail(error as Error);
    } finally {
      if (extra !== null) closeSync(extra);
    }
  });
}
