import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Duplex, Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModuleReply } from '../contract/module-protocol.js';
import { runnerFrameSchema } from '../contract/runner-frames.js';
import { BOOT_NONCE, CHANNEL_FD, COMMAND_FD } from '../contract/runner-protocol.js';
import type { ExecuteCommand, RunnerCommand, RunnerFrame } from '../contract/runner-protocol.js';
import type { ProcessState } from '../contract/worker-record.js';
import { LineSplitter } from '../lib/line-splitter.js';
import { TailBuffer } from '../lib/tail-buffer.js';

/** What is needed to start a runner. */
export interface RunnerLaunch {
  bundle: string;
  scratch: string;
  /** Limit of the JavaScript heap. */
  heapMb: number;
  /** Folder of package sets, which user code may read. */
  packageSets: string;
  /** Longest frame that is read before the runner is given up. */
  frameLimitBytes: number;
}

/** How the process ended: one of the two is null. */
export interface RunnerExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** Hears what one execution's runner does. */
export interface RunnerObserver {
  onFrame(frame: RunnerFrame): void;
  /** Bytes written to descriptor 1 or 2 past console and process.stdout. */
  onRawOutput(stream: 'stdout' | 'stderr', text: string): void;
  /** The runner sent something that a runner does not send; it is killed already. */
  onViolation(what: string): void;
}

/** A runner could not be started; the message says why. Not the fault of any execution. */
export class RunnerBootError extends Error {
  override name = 'RunnerBootError';
}

const BOOT_TIMEOUT_MS = 15_000;
/** How long output may still arrive after the process is gone; a descendant may hold the pipe open. */
const CLOSE_GRACE_MS = 500;
const BOOT_STDERR_BYTES = 4096;

/**
 * One isolated process, from its start to its end.
 *
 * It knows how to talk to the process, to kill it with its whole process group, and to notice its
 * end; what an execution on it means is the business of {@link Run}.
 */
export class RunnerProcess {
  readonly id = randomBytes(6).toString('hex');
  readonly pid: number;
  readonly scratch: string;
  /** Resolves, never rejects, when the process is gone and everything it wrote has arrived. */
  readonly ended: Promise<RunnerExit>;
  state: ProcessState = 'ACTIVE';
  executions = 0;

  private readonly commands: Writable;
  private readonly channel: Duplex;
  private observer: RunnerObserver | null = null;
  private nonce = BOOT_NONCE;
  private readonly bootStderr = new TailBuffer(BOOT_STDERR_BYTES);

  private constructor(
    private readonly child: ChildProcess,
    launch: RunnerLaunch,
  ) {
    this.pid = child.pid as number;
    this.scratch = launch.scratch;
    this.commands = child.stdio[COMMAND_FD] as Writable;
    // A command to a runner that is just ending: its end is reported by `ended`.
    this.commands.on('error', () => undefined);
    this.channel = child.stdio[CHANNEL_FD] as Duplex;
    this.readChannel(launch.frameLimitBytes);
    this.readRaw('stdout', child.stdout as Readable);
    this.readRaw('stderr', child.stderr as Readable);
    this.ended = this.watchEnd();
  }

  /**
   * Starts a process and waits until it is ready to execute.
   * @throws {RunnerBootError}
   */
  static async boot(launch: RunnerLaunch): Promise<RunnerProcess> {
    const child = await spawnRunner(launch);
    const runner = new RunnerProcess(child, launch);
    const timeout = new AbortController();
    try {
      await Promise.race([
        runner.untilReady(),
        runner.ended.then((exit) => {
          throw new RunnerBootError(
            `a runner ended while it booted (${exit.signal ?? `exit code ${exit.exitCode}`}): ${runner.bootStderr.toString()}`,
          );
        }),
        sleep(BOOT_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(() => {
          throw new RunnerBootError(`a runner was not ready within ${BOOT_TIMEOUT_MS} ms`);
        }),
      ]);
      return runner;
    } catch (error) {
      runner.kill();
      throw error;
    } finally {
      timeout.abort();
    }
  }

  /** Starts an execution; what it does is told to the observer, its end by `ended` or a frame. */
  execute(command: ExecuteCommand, observer: RunnerObserver): void {
    this.executions += 1;
    this.nonce = command.nonce;
    this.observer = observer;
    this.send(command);
  }

  send(command: RunnerCommand): void {
    this.commands.write(`${JSON.stringify(command)}\n`);
  }

  /** Answers the open `module-request`. */
  reply(reply: ModuleReply): void {
    if (this.state !== 'EXITING') this.channel.write(`${JSON.stringify(reply)}\n`);
  }

  /** Kills the process and everything in its process group; safe at any time and more than once. */
  kill(): void {
    this.state = 'EXITING';
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      this.child.kill('SIGKILL');
    }
  }

  private untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.observer = {
        onFrame: (frame) =>
          frame.type === 'ready' ? resolve() : reject(new RunnerBootError(`unexpected frame ${frame.type}`)),
        onRawOutput: (stream, text) => this.bootStderr.append(`${stream}: ${text}`),
        onViolation: (what) => reject(new RunnerBootError(what)),
      };
    });
  }

  private readChannel(frameLimitBytes: number): void {
    const { channel } = this;
    const lines = new LineSplitter(frameLimitBytes);
    channel.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      if (this.state === 'EXITING') return;
      try {
        for (const line of lines.push(chunk)) this.receive(line);
      } catch (error) {
        this.refuse(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** One line of the channel: believed only with the nonce and in the shape of a frame. */
  private receive(line: string): void {
    if (this.state === 'EXITING') return;
    const prefix = `${this.nonce} `;
    if (!line.startsWith(prefix)) return this.refuse('a line without the nonce of the execution');
    let frame: unknown;
    try {
      frame = JSON.parse(line.slice(prefix.length));
    } catch {
      return this.refuse('a frame that is not JSON');
    }
    const parsed = runnerFrameSchema.safeParse(frame);
    if (!parsed.success) return this.refuse(`a malformed frame: ${parsed.error.issues[0]?.message ?? ''}`);
    this.observer?.onFrame(parsed.data);
  }

  private refuse(what: string): void {
    if (this.state === 'EXITING') return;
    this.kill();
    this.observer?.onViolation(`The runner's channel carried ${what}`);
  }

  private readRaw(name: 'stdout' | 'stderr', stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('error', () => undefined);
    stream.on('data', (text: string) => this.observer?.onRawOutput(name, text));
  }

  private watchEnd(): Promise<RunnerExit> {
    return new Promise((resolve) => {
      let exit: RunnerExit = { exitCode: null, signal: null };
      this.child.once('exit', (exitCode, signal) => {
        exit = { exitCode, signal };
        // The leader is dead; whatever else is in its group goes with it.
        this.kill();
        setTimeout(() => this.child.stdio.forEach((stream) => stream?.destroy()), CLOSE_GRACE_MS).unref();
      });
      this.child.once('close', () => resolve(exit));
    });
  }
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
    `--max-old-space-size=${launch.heapMb}`,
    // node:sqlite opens files past the permission model.
    '--no-experimental-sqlite',
    '--disable-sigusr1',
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
  ];
}

function spawnRunner(launch: RunnerLaunch): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new RunnerBootError(`a runner could not be started: ${error.message}`));
    try {
      const child = spawn(process.execPath, [...runnerFlags(launch), launch.bundle, String(process.pid)], {
        cwd: launch.scratch,
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
