import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { yieldToWorker } from '../../isolation/yield-to-worker.js';
import { killGroup } from '../../lib/process-group.js';
import type { ProcessEnd } from '../../isolation/isolation-level.js';
import type { RunnerLaunch } from './runner-launch.js';
import type { StartedProcess } from './started-process.js';

/** A runner could not be started; the message says why. Not the fault of any execution. */
export class RunnerBootError extends Error {
  override name = 'RunnerBootError';
}

/** The file that the process runs. */
const programOf = ({ kind, bundles }: RunnerLaunch): string => bundles[kind.entries[0]] as string;

/** Node's own flags that every runner of this program gets: its permission model is the inner layer of the isolation. */
function runnerFlags(launch: RunnerLaunch, program: string): string[] {
  return [
    '--permission',
    // For the calls that confine the runner; dropped before user code is loaded.
    '--allow-ffi',
    ...(launch.network === 'open' ? ['--allow-net'] : []),
    ...(launch.nativeAddons ? ['--allow-addons'] : []),
    `--allow-fs-read=${program}`,
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

/** Another program than that of the launch's kind, at the launch's level. */
export interface OtherProgram {
  /** Path of its file. */
  file: string;
  /** Instead of those of the kind. */
  arguments: readonly string[];
  /** Flags of Node beside those of a runner. */
  flags: readonly string[];
  /** It has one more descriptor, which only the worker uses: CONTROL_FD. */
  hasControl: boolean;
}

/** Descriptors 0 to 4; after them come that of the level, NETWORK_FD and CONTROL_FD. */
const PROTOCOL_STDIO = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] as const;

function furtherStdio(hasNetwork: boolean, other: OtherProgram | undefined): ('pipe' | 'ignore')[] {
  if (other?.hasControl) return [hasNetwork ? 'pipe' : 'ignore', 'pipe'];
  return hasNetwork ? ['pipe'] : [];
}

/**
 * Starts the operating system's process of a runner, in a process group of its own.
 * @throws {RunnerBootError}
 */
export async function spawnRunner(launch: RunnerLaunch, other?: OtherProgram): Promise<StartedProcess> {
  return new SpawnedProcess(await spawnChild(launch, other), launch);
}

/** A process that was started as the level says, which may hold the runner as a child of its own. */
class SpawnedProcess implements StartedProcess {
  readonly start = 'spawn';
  readonly pid: number;
  readonly once: StartedProcess['once'];

  constructor(
    private readonly child: ChildProcess,
    private readonly launch: RunnerLaunch,
  ) {
    this.pid = child.pid as number;
    this.once = child.once.bind(child);
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  get signalCode(): NodeJS.Signals | null {
    return this.child.signalCode;
  }

  get stdio(): StartedProcess['stdio'] {
    return this.child.stdio;
  }

  runnerPid(): number {
    return this.launch.level.runnerPid(this.pid);
  }

  endOf(end: ProcessEnd): ProcessEnd {
    return this.launch.level.runnerEnd(end);
  }

  killAll(): void {
    killGroup(this.child);
  }
}

function spawnChild(launch: RunnerLaunch, other: OtherProgram | undefined): Promise<ChildProcess> {
  const { kind, level, place } = launch;
  const confinement = [level.confinement(place), launch.resources].map((part) => JSON.stringify(part));
  const program = other?.file ?? programOf(launch);
  const flags = [...runnerFlags(launch, program), ...(other?.flags ?? [])];
  const words = [program, ...confinement, ...(other?.arguments ?? kind.programArguments(launch))];
  const { file, args, cwd, extraFile } = level.command(place, [...flags, ...words]);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new RunnerBootError(`a runner could not be started: ${error.message}`));
    let extra: number | null = null;
    try {
      extra = extraFile === null ? null : openSync(extraFile, 'r');
      const child = spawn(file, args, {
        cwd,
        env: {},
        stdio: [...PROTOCOL_STDIO, extra ?? 'ignore', ...furtherStdio(launch.outlet !== null, other)],
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
