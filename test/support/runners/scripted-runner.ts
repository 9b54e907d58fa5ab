import { EventEmitter } from 'node:events';
import { CHANNEL_FD, COMMAND_FD, type ExecuteCommand } from '../../../src/boundary/runner-protocol.js';
import { commandFor } from '../../../src/executor/process/run-once.js';
import { RunnerProcess } from '../../../src/executor/process/runner-process.js';
import type { RunnerKindName } from '../../../src/contract/confinement.js';
import { KINDS } from '../../../src/executor/kinds/registry.js';
import type { RunnerLaunch } from '../../../src/executor/process/runner-launch.js';

/** No process can have it. */
const NO_PID = 2 ** 30;

/** One end of a pipe whose other end is the test. */
class ScriptedPipe extends EventEmitter {
  readonly written: string[] = [];
  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
  pause(): void {}
  resume(): void {}
  destroy(): void {}
  setEncoding(): void {}
}

/** A process that does what the test says, and ends when it is killed. */
class ScriptedChild extends EventEmitter {
  readonly start = 'spawn';
  readonly pid = NO_PID;
  readonly stdout = new ScriptedPipe();
  readonly stderr = new ScriptedPipe();
  readonly stdio: (ScriptedPipe | null)[] = [null, this.stdout, this.stderr];
  exitCode: number | null = null;
  signalCode: string | null = null;

  constructor() {
    super();
    this.stdio[CHANNEL_FD] = new ScriptedPipe();
    this.stdio[COMMAND_FD] = new ScriptedPipe();
  }

  killAll(): void {
    this.end(null, 'SIGKILL');
  }

  endOf(end: unknown): unknown {
    return end;
  }

  end(exitCode: number | null, signal: string | null): void {
    if (this.exitCode !== null || this.signalCode !== null) return;
    this.exitCode = exitCode;
    this.signalCode = signal;
    this.emit('exit', exitCode, signal);
    setImmediate(() => this.emit('close'));
  }
}

/** The worker's side of a runner, real, over a process that the test plays. */
export class ScriptedRunner {
  readonly child = new ScriptedChild();
  readonly runner: RunnerProcess;

  constructor(kind: RunnerKindName, frameLimitBytes: number) {
    const launch = {
      kind: KINDS[kind],
      slots: 1,
      outlet: null,
      frameLimitBytes,
      place: { scratch: '/nowhere', onDisk: false, hasPackages: false, usedBytes: () => Promise.resolve(0) },
    } as unknown as RunnerLaunch;
    this.runner = Reflect.construct(RunnerProcess, [this.child, launch]) as RunnerProcess;
  }

  command(changes: Partial<ExecuteCommand>): ExecuteCommand {
    return { ...commandFor(this.runner, ''), ...changes };
  }

  /** The runner writes this to its channel. */
  say(bytes: Buffer): void {
    this.child.stdio[CHANNEL_FD]?.emit('data', bytes);
  }

  /** The runner prints this past the console. */
  print(name: 'stdout' | 'stderr', text: string): void {
    this.child[name].emit('data', text);
  }

  /** What the worker has sent on the descriptor of the frames, which are answers to module requests. */
  get replies(): readonly string[] {
    return this.child.stdio[CHANNEL_FD]?.written ?? [];
  }
}
