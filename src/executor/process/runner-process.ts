import { randomUUID } from 'node:crypto';
import type { Duplex, Writable } from 'node:stream';
import { within } from '../../lib/time-limit.js';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import { BOOT_NONCE, CHANNEL_FD, COMMAND_FD, type ExecuteCommand } from '../../boundary/runner-protocol.js';
import type { RunnerStart } from '../../contract/confinement.js';
import type { ProcessState } from '../../contract/worker-record.js';
import type { SentCommand } from '../../boundary/sent-execution.js';
import { LineSplitter } from '../../lib/line-splitter.js';
import { type NetworkOutlet, openOutlet } from '../network/network-outlet.js';
import { ProcessProbe } from '../../isolation/process-usage.js';
import type { RunnerPlace } from '../../isolation/isolation-level.js';
import { yieldToWorker } from '../../isolation/yield-to-worker.js';
import { parseFrame } from './frame-parser.js';
import { PastNonces } from './past-nonces.js';
import { RawOutput } from './raw-output.js';
import type { LaunchKind, RunnerLaunch } from './runner-launch.js';
import type { RunnerExit, RunnerObserver } from './runner-observer.js';
import { RunnerBootError, spawnRunner } from './runner-spawn.js';
import { RunnerStanding } from './runner-standing.js';
import { SentExecutions } from './sent-executions.js';
import { closeStreams, type StartedProcess } from './started-process.js';

const BOOT_TIMEOUT_MS = 15_000;
/** How long output may still arrive after the process is gone; a descendant may hold the pipe open. */
const CLOSE_GRACE_MS = 500;
/** Late frames of this many past executions are recognized as late. */
const NONCES_KEPT = 256;

/**
 * One isolated process, from its start to its end, with one or several executions on it.
 *
 * It knows how to talk to the process, which frame belongs to which execution, how to kill it with its
 * whole process group, and notices its end; what an execution means is the business of {@link Run}.
 */
export class RunnerProcess {
  readonly id = randomUUID().slice(-12);
  /** What the process uses; of the runner itself once it has booted. */
  probe: ProcessProbe;
  readonly kind: LaunchKind;
  readonly slots: number;
  readonly place: RunnerPlace;
  readonly bornAtMs = performance.now();
  /** Resolves, never rejects, when the process is gone and everything it wrote has arrived. */
  readonly ended: Promise<RunnerExit>;
  /** Of the process that runs the code, which need not be the one that was started. */
  pid: number;
  readonly standing = new RunnerStanding();
  executions = 0;
  /** Why it must not serve another execution; null while it may. */
  unfit: string | null = null;
  /** Its end came without our doing. */
  diedByItself = false;

  private readonly commands: Writable;
  private readonly channel: Duplex;
  private readonly raw: RawOutput;
  readonly outlet: NetworkOutlet | null;
  private readonly observers = new Map<string, RunnerObserver>();
  /** Nonces of executions that are over; what still comes from them is dropped. */
  private readonly past = new PastNonces(NONCES_KEPT);
  private readonly sent = new SentExecutions();
  private exit: RunnerExit = { exitCode: null, signal: null };
  private isGone = false;
  /** It broke the protocol: nothing that it says is read any more. */
  private refused = false;

  private constructor(
    private readonly child: StartedProcess,
    private readonly launch: RunnerLaunch,
  ) {
    this.pid = child.pid;
    this.probe = new ProcessProbe(this.pid);
    this.kind = launch.kind;
    this.slots = launch.slots;
    this.place = launch.place;
    this.commands = child.stdio[COMMAND_FD] as Writable;
    // A command to a runner that is just ending: its end is reported by `ended`.
    this.commands.on('error', () => undefined);
    this.channel = child.stdio[CHANNEL_FD] as Duplex;
    this.outlet = launch.outlet && openOutlet(child, launch.outlet, this);
    this.readChannel(launch.frameLimitBytes);
    this.raw = new RawOutput(child.stdio, (name, text) => this.receiveRaw(name, text));
    this.ended = this.watchEnd();
  }

  /**
   * Starts a process, in whichever way, and waits until it is ready to execute.
   * @throws {RunnerBootError}
   */
  static async boot(
    launch: RunnerLaunch,
    start: (launch: RunnerLaunch) => Promise<StartedProcess> = spawnRunner,
  ): Promise<RunnerProcess> {
    const child = await start(launch);
    const runner = new RunnerProcess(child, launch);
    try {
      await within(runner.untilReady(), BOOT_TIMEOUT_MS, () => {
        throw new RunnerBootError(`a runner was not ready within ${BOOT_TIMEOUT_MS} ms`);
      });
      runner.pid = child.runnerPid();
      runner.probe = new ProcessProbe(runner.pid);
      // What the boot used is no execution's. What is forked used nothing, and has its priority of its template.
      if (child.start === 'fork') runner.probe.restNew();
      else if (launch.kind.ownsProcess) runner.probe.rest();
      if (child.start === 'spawn') yieldToWorker(runner.pid);
      runner.place.attach(runner.pid);
      return runner;
    } catch (error) {
      runner.kill();
      throw error;
    }
  }

  get state(): ProcessState {
    return this.standing.state;
  }

  get start(): RunnerStart {
    return this.child.start;
  }

  /** Whether what we kill is the runner itself, and not something that holds it and takes it along. */
  get isDirect(): boolean {
    return this.pid === this.child.pid;
  }

  /** Starts an execution; what it does is reported to the observer until `forget`. */
  execute(command: ExecuteCommand, observer: RunnerObserver): void {
    this.executions += 1;
    this.observers.set(command.nonce, observer);
    if (this.isGone) queueMicrotask(() => observer.onEnded(this.exit));
    this.outlet?.begin(command.context.executionId, command.network);
    this.send(this.sent.next(command, command.keep && this.kind.ownsProcess));
  }

  /** Ends the connections of an execution that is over; null: it could have none. */
  endConnections(): Promise<void> | null {
    return this.outlet && this.outlet.settle();
  }

  /** The execution is over: what still comes of it is dropped. */
  forget(nonce: string): void {
    if (this.observers.delete(nonce)) this.past.add(nonce);
  }

  send(command: SentCommand): void {
    if (this.state !== 'EXITING') this.commands.write(`${JSON.stringify(command)}\n`);
  }

  /** Answers the open `module-request` of a runner that has one execution at a time. */
  reply(reply: ModuleReply): void {
    if (this.state !== 'EXITING') this.channel.write(`${JSON.stringify(reply)}\n`);
  }

  /** Stops reading what it says and prints, or reads on; what it wrote waits in its pipes, then its next write. */
  hold(held: boolean): void {
    for (const stream of [this.channel, ...this.raw.streams]) {
      if (held) stream.pause();
      else stream.resume();
    }
  }

  /** Not for another execution; the first reason is kept. */
  markUnfit(reason: string): void {
    this.unfit ??= reason;
  }

  /**
   * Asks where the JavaScript is, also while it blocks the event loop; `onText` gets what is then written to
   * stderr. Node ends the process afterwards.
   */
  traceAndEnd(onText: (text: string) => void): void {
    this.raw.divertStderr(onText);
    this.signal('SIGINT');
  }

  /** Kills the process and everything in its process group; safe at any time and more than once. */
  kill(): void {
    this.standing.enter('end');
    this.outlet?.close();
    if (!this.isDirect) this.signal('SIGKILL');
    this.child.killAll();
  }

  /** Kills it, and reads nothing more of what it wrote: everything that counts has come. */
  discard(): void {
    this.kill();
    // The result goes first.
    setImmediate(closeStreams, this.child);
  }

  /** To the runner alone, and only while its pid is surely its own. */
  private signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has just ended.
    }
  }

  /** How it ended, with its last words: `(exit code 127): stderr: no such library`. */
  get exitDescription(): string {
    const { exitCode, signal } = this.exit;
    const words = this.lastWords;
    return `(${signal ?? `exit code ${exitCode}`})${words === '' ? '' : `: ${words}`}`;
  }

  get lastWords(): string {
    return this.raw.lastWords;
  }

  private untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.observers.set(BOOT_NONCE, {
        onFrame: (frame) => {
          this.forget(BOOT_NONCE);
          if (frame.type === 'ready') resolve();
          else reject(new RunnerBootError(`unexpected frame ${frame.type}`));
        },
        onRawOutput: () => undefined,
        onViolation: (what) => reject(new RunnerBootError(what)),
        onEnded: () => reject(new RunnerBootError(`a runner ended while it booted ${this.exitDescription}`)),
      });
    });
  }

  private readChannel(frameLimitBytes: number): void {
    const { channel } = this;
    const lines = new LineSplitter(frameLimitBytes);
    channel.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      if (this.refused) return;
      try {
        lines.push(chunk, this.receive);
      } catch (error) {
        this.refuse(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** One line of the channel: believed only with the nonce of an execution and in the shape of a frame. */
  private readonly receive = (line: string): void => {
    if (this.refused) return;
    const blank = line.indexOf(' ');
    const nonce = line.slice(0, Math.max(blank, 0));
    const observer = this.observers.get(nonce);
    if (!observer) {
      return this.past.has(nonce) ? undefined : this.refuse('a line without the nonce of an execution');
    }
    const parsed = parseFrame(line, blank + 1);
    if (parsed.ok) observer.onFrame(parsed.frame, line.length);
    else this.refuse(parsed.fault);
  };

  /** It broke the protocol, on whichever descriptor: it is killed, and its executions are notified. */
  refuse(what: string): void {
    if (this.refused) return;
    this.refused = true;
    this.kill();
    for (const observer of this.observers.values())
      observer.onViolation(`The runner's channel carried ${what}`);
  }

  private receiveRaw(name: 'stdout' | 'stderr', text: string): void {
    // With several executions the writer of raw output is unknown. The process's last words concern all of them.
    for (const observer of this.observers.values())
      if (this.observers.size === 1 || (name === 'stderr' && LAST_WORDS.test(text)))
        observer.onRawOutput(name, text);
  }

  private watchEnd(): Promise<RunnerExit> {
    return new Promise((resolve) => {
      this.child.once('exit', (exitCode, signal) => {
        this.probe.close();
        this.exit = this.child.endOf({ exitCode, signal });
        this.diedByItself = this.state !== 'EXITING';
        // The leader is dead; whatever else is in its group goes with it. What it wrote is still to be read.
        this.kill();
        this.hold(false);
        setTimeout(closeStreams, CLOSE_GRACE_MS, this.child).unref();
      });
      this.child.once('close', () => {
        this.isGone = true;
        resolve(this.exit);
        for (const observer of this.observers.values()) observer.onEnded(this.exit);
      });
    });
  }
}

const LAST_WORDS = /FATAL ERROR|Fatal |heap out of memory/;
