import { type ChildProcess, spawn } from 'node:child_process';
import type { ResourceLimits } from '../contract/runner-limits.js';

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
  scratch: string;
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
    // For the call that ties the runner to the worker's life; dropped before user code is loaded.
    '--allow-ffi',
    '--allow-net',
    `--allow-fs-read=${launch.bundle}`,
    `--allow-fs-read=${launch.scratch}`,
    `--allow-fs-read=${launch.packageSets}/*`,
    `--allow-fs-write=${launch.scratch}`,
    // node:sqlite opens files past the permission model.
    '--no-experimental-sqlite',
    // To find out where blocked code is; user code is refused the module.
    '--allow-inspector',
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    ...kindFlags(launch),
  ];
}

function kindFlags({ kind, heapMb, threadBundle }: RunnerLaunch): string[] {
  switch (kind) {
    case 'process':
      return [`--max-old-space-size=${heapMb}`, '--inspect-port=127.0.0.1:0', '--inspect-publish-uid=stderr'];
    case 'thread':
      return ['--disable-sigusr1', '--allow-worker', `--allow-fs-read=${threadBundle}`];
  }
}

/**
 * Starts the operating system's process of a runner, in a process group of its own.
 * @throws {RunnerBootError}
 */
export function spawnRunner(launch: RunnerLaunch): Promise<ChildProcess> {
  const { bundle, threadBundle, heapMb, memoryMb, maxExecutions, scratch } = launch;
  const forHost =
    launch.kind === 'thread' ? [threadBundle, ...[heapMb, memoryMb, maxExecutions].map(String)] : [];
  const own = [String(process.pid), JSON.stringify(launch.resources), ...forHost];
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new RunnerBootError(`a runner could not be started: ${error.message}`));
    try {
      const child = spawn(process.execPath, [...runnerFlags(launch), bundle, ...own], {
        cwd: scratch,
        env: {},
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
        // A process group of its own, to be killed as a whole.
        detached: true,
      });
      child.once('error', fail);
      child.once('spawn', () => resolve(child));
    } catch (error) {
      fail(error as Error);
    }
  });
}
