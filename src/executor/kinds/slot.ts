import type { StopCause, TimeoutTrace } from '../../outcome/run-end.js';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import type { RunnerFrame } from '../../boundary/runner-frames.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import type { KernelUsage } from '../../isolation/process-usage.js';
import { FrameOrder } from '../process/frame-order.js';
import type { RunnerExit, RunnerObserver } from '../process/runner-observer.js';
import type { RunnerProcess } from '../process/runner-process.js';

/** How an execution left its place. */
export interface SlotEnd {
  /** How its process or thread ended; null: that lives and may serve again. */
  exit: RunnerExit | null;
  /** The thread could not be ended: its code may still run, its process is beyond use. */
  stuck: boolean;
  outOfMemory: boolean;
  /** What its thread used, as far as its host could measure it. */
  usage: KernelUsage | null;
  trace: TimeoutTrace | null;
}

/** Frames that concern what the code does, not the place it runs in. */
export type ExecutionFrame = Exclude<
  RunnerFrame,
  { type: 'ready' } | { type: 'alive' } | { type: 'settled' } | { type: 'thread-ended' }
>;

/** Is notified of one execution. */
export interface SlotListener {
  /** A frame of any type came, `bytes` long; called first. */
  onTraffic(frame: RunnerFrame, bytes: number): void;
  onFrame(frame: ExecutionFrame): void;
  onRawOutput(stream: 'stdout' | 'stderr', text: string): void;
  onViolation(what: string): void;
}

/**
 * A place on a runner for one execution: one class per kind of runner says how code is ended there.
 * `finished` resolves, never rejects, when nothing of the execution is to be expected any more.
 */
export abstract class Slot implements RunnerObserver {
  readonly finished: Promise<SlotEnd>;
  /** Names the execution in commands. */
  protected ref = '';
  protected keep = false;
  protected listener: SlotListener | null = null;
  protected trace: TimeoutTrace | null = null;
  private nonce = '';
  /** The runner has emptied its folder, which it alone can, and found nothing that it must leave there. Only what is its own depends on that. */
  hasEmptied = false;
  private order: FrameOrder | null = null;
  private resolve: (end: SlotEnd) => void = () => undefined;
  /** How it ended; null: not yet. */
  end: SlotEnd | null = null;

  constructor(
    readonly runner: RunnerProcess,
    /** Folder of this place, empty when the execution starts. */
    readonly scratch: string,
  ) {
    this.finished = new Promise((resolve) => (this.resolve = resolve));
  }

  /** Whether the memory of the process is that of the execution. */
  get ownsProcess(): boolean {
    return this.runner.kind.ownsProcess;
  }

  start(command: ExecuteCommand, listener: SlotListener): void {
    this.nonce = command.nonce;
    this.ref = command.ref;
    this.keep = command.keep;
    this.order = new FrameOrder({ kind: this.runner.kind, keep: command.keep });
    this.listener = listener;
    this.runner.execute(command, this);
  }

  /** Answers the open `module-request`. */
  reply(reply: ModuleReply): void {
    this.order?.replied();
    this.sendReply(reply);
  }

  protected abstract sendReply(reply: ModuleReply): void;

  /** Whether what the code prints is taken from it; while it is not, printing blocks the code. */
  abstract hold(held: boolean): void;

  /** Has `context.signal` abort; the code may go on. */
  cancel(reason: string): void {
    this.order?.ask('unheard');
    this.runner.send({ type: 'cancel', ref: this.ref, reason });
  }

  /** Asks whether its event loop is free. */
  protected probe(): void {
    this.order?.ask('alive');
    this.runner.send({ type: 'probe', ref: this.ref });
  }

  /** Ends the execution for this reason; called once, `finished` follows within a second or so. */
  abstract stop(cause: StopCause): void;

  onFrame(frame: RunnerFrame, bytes: number): void {
    this.listener?.onTraffic(frame, bytes);
    const fault = this.order?.fault(frame) ?? null;
    if (fault !== null) return this.runner.refuse(fault);
    switch (frame.type) {
      case 'ready':
        return;
      case 'alive':
        return this.onAlive(frame.resources);
      case 'settled':
        for (const reason of frame.dirty) this.runner.markUnfit(reason);
        return this.settle(frame.dirty.length === 0);
      case 'thread-ended':
        if (frame.places && frame.places.length > 0 && this.trace === null)
          this.trace = { kind: 'blocked', places: frame.places };
        return this.finish({
          exit: { exitCode: frame.exitCode, signal: null },
          outOfMemory: frame.outOfMemory,
          usage: frame.usage ? { ...frame.usage, peakMb: 0 } : null,
        });
      case 'result':
        this.listener?.onFrame(frame);
        if (frame.settled) this.settle(true);
        return;
      default:
        this.listener?.onFrame(frame);
    }
  }

  onRawOutput(stream: 'stdout' | 'stderr', text: string): void {
    this.listener?.onRawOutput(stream, text);
  }

  onViolation(what: string): void {
    this.listener?.onViolation(what);
  }

  onEnded(exit: RunnerExit): void {
    this.finish({ exit });
  }

  protected onAlive(resources: string[]): void {
    this.trace ??= { kind: 'waiting', resources };
  }

  /** Not before its last connection is closed, which a runner that hides something could delay: see SETTLE_MS. */
  private settle(isClean: boolean): void {
    this.hasEmptied = isClean && !this.runner.place.onDisk;
    const closed = this.runner.endConnections();
    if (closed === null) this.finish({});
    else void closed.then(() => this.finish({}));
  }

  protected get isOver(): boolean {
    return this.end !== null;
  }

  protected finish(end: Partial<SlotEnd>): void {
    if (this.end !== null) return;
    this.end = { exit: null, stuck: false, outOfMemory: false, usage: null, trace: this.trace, ...end };
    this.runner.forget(this.nonce);
    this.resolve(this.end);
  }
}
