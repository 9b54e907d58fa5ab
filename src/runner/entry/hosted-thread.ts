import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { within } from '../../lib/time-limit.js';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import {
  COUNTERS_BYTES,
  IN_FLIGHT,
  REPLIES,
  STARTED,
  STARTED_SYSTEM_MS,
  STARTED_USER_MS,
  type ThreadLink,
} from './thread-link.js';

const USAGE_MS = 50;

/** How a thread ended. */
export interface ThreadEnd {
  exitCode: number;
  outOfMemory: boolean;
}

/** Callbacks of one thread. */
export interface ThreadListener {
  /** One frame or several, each a line. */
  onLines(thread: HostedThread, lines: string): void;
  onEnd(thread: HostedThread, end: ThreadEnd): void;
}

/** One thread, from its start to its end, seen from the host's main thread. */
export class HostedThread {
  /** The execution on it; '' between executions. */
  nonce = '';
  /** What commands name it by. */
  ref = '';
  executions = 0;
  /** CPU time of the execution when it was last looked at; null: never. */
  usage: { userMs: number; systemMs: number } | null = null;
  /** Ended by us for what it used. */
  overLimit = false;
  readonly worker: Worker;
  private readonly counters = new Int32Array(new SharedArrayBuffer(COUNTERS_BYTES));
  private readonly commands: MessagePort;
  private readonly replies: MessagePort;
  private readonly pass: (lines: string) => void;
  private outOfMemory = false;
  private question: Promise<NodeJS.CpuUsage | null> | null = null;
  /** What the thread said while it was held back; it waits itself once that is much. */
  private waiting: string[] = [];
  private held = false;

  /** @param isReused it serves one execution after the other */
  constructor(bundle: string, heapMb: number, isReused: boolean, listener: ThreadListener) {
    const frames = new MessageChannel();
    const replies = new MessageChannel();
    const commands = new MessageChannel();
    this.commands = commands.port1;
    this.replies = replies.port1;
    this.pass = (lines) => {
      listener.onLines(this, lines);
      Atomics.sub(this.counters, IN_FLIGHT, lines.length);
      Atomics.notify(this.counters, IN_FLIGHT);
    };
    this.worker = new Worker(bundle, {
      env: {},
      argv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    frames.port1.on('message', (lines: string) => {
      if (this.held) this.waiting.push(lines);
      else this.pass(lines);
    });
    this.worker.on('error', (error: NodeJS.ErrnoException) => {
      this.outOfMemory ||= error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    });
    this.worker.once('exit', (exitCode) => {
      // What it sent before its end is still on the way.
      const drained = (): void => {
        this.hold(false);
        frames.port1.close();
        listener.onEnd(this, { exitCode, outOfMemory: this.outOfMemory || this.overLimit });
      };
      setImmediate(() => setImmediate(drained));
    });
    const link: ThreadLink = {
      commands: commands.port2,
      frames: frames.port2,
      replies: replies.port2,
      counters: this.counters,
      isReused,
    };
    this.worker.postMessage(link, [commands.port2, frames.port2, replies.port2]);
  }

  /** @param line the command as JSON */
  execute({ nonce, ref }: Pick<ExecuteCommand, 'nonce' | 'ref'>, line: string): void {
    this.nonce = nonce;
    this.ref = ref;
    this.executions += 1;
    this.usage = null;
    this.question = null;
    this.commands.postMessage(line);
  }

  /** Looks at what the execution has used, also while it blocks its thread. A thread inside a native call does not answer. */
  async noteUsage(): Promise<void> {
    const { nonce } = this;
    // One question at a time: they pile up before a thread that does not answer.
    this.question ??= this.worker
      .cpuUsage()
      .catch(() => null)
      .finally(() => (this.question = null));
    const usage = await within(this.question, USAGE_MS, () => null);
    if (usage === null || this.nonce !== nonce || !this.hasStarted) return;
    const since = (microseconds: number, counter: number): number =>
      Math.max(Math.round(microseconds / 1000) - Atomics.load(this.counters, counter), 0);
    this.usage = {
      userMs: since(usage.user, STARTED_USER_MS),
      systemMs: since(usage.system, STARTED_SYSTEM_MS),
    };
  }

  /** It has begun the newest execution: one that has not has used next to nothing for it. */
  private get hasStarted(): boolean {
    return Atomics.load(this.counters, STARTED) === this.executions;
  }

  /** @param line a command as JSON */
  send(line: string): void {
    this.commands.postMessage(line);
  }

  /** Keeps what the thread says back, or passes it on again. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) for (const lines of this.waiting.splice(0)) this.pass(lines);
  }

  reply(reply: ModuleReply): void {
    this.replies.postMessage(reply);
    Atomics.add(this.counters, REPLIES, 1);
    Atomics.notify(this.counters, REPLIES);
  }
}
