import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { yieldToWorker } from '../../isolation/yield-to-worker.js';
import type { RunnerLaunch } from './runner-launch.js';

/** A runner could not be started; the message says why. Not the fault of any execution. */
export class RunnerBootError extends Error {
  override name = 'RunnerBootError';
}

/** The file that the process runs. */
const programOf = ({ kind, bundles }: RunnerLaunch): string => bundles[kind.entries[0]] as string;

/** Node's own flags that every runner gets: its permission model is the inner layer of the isolation. */
function runnerFlags(launch: RunnerLaunch): string[] {
  return [
    '--permission',
    // For the calls that confine the runner; dropped before user code is loaded.
    '--allow-ffi',
    ...(launch.network === 'open' ? ['--allow-net'] : []),
    `--allow-fs-read=${programOf(launch)}`,
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
    ...launch.kind.flags(launch),
  ];
}

/** Descriptors 0 to 4; after them come that of the level and NETWORK_FD. */
const PROTOCOL_STDIO = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] as const;

/**
 * Starts the operating system's process of a runner, in a process group of its own.
 * @throws {RunnerBootError}
 */
export function spawnRunner(launch: RunnerLaunch): Promise<ChildProcess> {
  const { kind, level, place } = launch;
  const confinement = [level.confinement(place), launch.resources].map((part) => JSON.stringify(part));
  const program = [programOf(launch), ...confinement, ...kind.programArguments(launch)];
  const { file, args, cwd, extraFile } = level.command(place, [...runnerFlags(launch), ...program]);
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
