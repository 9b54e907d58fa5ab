import type { RunEnd, Verdict } from '../../outcome/run-end.js';
import type { RunLimits } from '../../outcome/run-limits.js';
import type { ModuleReply, ModuleRequest } from '../../boundary/module-protocol.js';
import type { ProgressFrame, RunnerFrame, UncaughtFrame } from '../../boundary/runner-frames.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import type { ShippedModule } from '../../boundary/shipped-module.js';
import { cancelMessage } from '../../contract/cancellation.js';
import type { ExecutionProgress, LogEntry } from '../../contract/result.js';
import type { Redactor } from '../../outcome/redaction/redactor.js';
import type { Cancellation, Stops } from '../cancellation.js';
import { ExecutionOutput, LEVEL_OF, type OutputStream, type PrintedText } from './execution-output.js';
import type { ExecutionFrame, Slot, SlotEnd, SlotListener } from '../kinds/slot.js';
import { runTicks, TICK_MS, type Ticking } from './run-ticks.js';
import { Traffic } from './traffic.js';
import { UsageWatch } from './usage-watch.js';

/** What the worker does for a run while it goes on. */
export interface RunServices {
  /** Finds a module that was not shipped; never rejects. */
  answer(request: ModuleRequest): Promise<ModuleReply>;
  onProgress(progress: ExecutionProgress): void;
  /** A promise: the code must print no more until it settles. */
  onLog(entry: LogEntry): Promise<void> | null;
  redactor: Redactor;
}

/** A host of threads reports usage half as often. */
const USED_MIN_MS = 50;

/**
 * One execution on one runner, watched from outside: its time, its memory, its output, its frames.
 *
 * It ends when the runner reports, when its process or thread ends, when a limit is reached or when
 * it is interrupted. A cancellation has its signal abort first and ends it after the grace time, or at
 * once when the code does not use the signal. When `finish` resolves, its output is complete and nothing of it runs any more,
 * unless `stuck` says otherwise.
 */
export class Run implements SlotListener, Ticking {
  private readonly output: ExecutionOutput;
  private held: Promise<void> | null = null;
  private readonly watch: UsageWatch;
  private readonly traffic: Traffic;
  private verdict: Verdict | null = null;
  private violation: string | null = null;
  private signalledAt: Date | null = null;
  private killedAt: Date | null = null;
  private grace: NodeJS.Timeout | undefined;
  /** When it was started, monotonic. */
  private startedAtMs = 0;
  /** Of its time limit; undefined: it has not been looked at yet. */
  private deadline: NodeJS.Timeout | undefined;
  private report: RunEnd['report'] = null;
  private uncaught: UncaughtFrame | null = null;
  private loadMs: number | null = null;
  private progress: ExecutionProgress | null = null;
  private endedAt = 0;
  private usedAtMs = 0;
  private isFlooding = false;
  private modules: ShippedModule[] = [];

  constructor(
    private readonly slot: Slot,
    private readonly limits: RunLimits,
    private readonly services: RunServices,
  ) {
    this.output = new ExecutionOutput(limits.outputBytes, services.redactor, (entry) => this.passOn(entry));
    this.traffic = new Traffic(limits.outputBytes);
    this.watch = new UsageWatch(slot, limits, (limit) => this.end(limit));
  }

  async finish(command: ExecuteCommand, { interruption, cancellation }: Stops): Promise<RunEnd> {
    this.startedAtMs = performance.now();
    this.modules = [...command.modules];
    if (this.timeLeftMs < 2 * TICK_MS) this.setDeadline();
    runTicks.add(this);
    let leave = (): void => undefined;
    let unlisten = (): void => undefined;
    try {
      this.slot.start(command, this);
      leave = interruption.onAsked(() => this.end('interrupted'));
      unlisten = cancellation.onAsked(() => this.cancel(cancellation));
      const end = await this.slot.finished;
      this.output.end();
      return this.describe(end, command.rootUrl, (this.endedAt || performance.now()) - this.startedAtMs);
    } finally {
      runTicks.delete(this);
      clearTimeout(this.deadline);
      clearTimeout(this.grace);
      leave();
      unlisten();
      this.watch.stop();
      this.watch.charge(this.report?.usage);
    }
  }

  tick(): void {
    if (this.deadline === undefined) this.setDeadline();
    this.watch.tick();
  }

  private setDeadline(): void {
    this.deadline = setTimeout(() => this.end('timeout'), Math.max(this.timeLeftMs, 0));
  }

  private get timeLeftMs(): number {
    const { timeoutMs, spentMs } = this.limits;
    return timeoutMs - spentMs - (performance.now() - this.startedAtMs);
  }

  onTraffic(frame: RunnerFrame, bytes: number): void {
    if (frame.type === 'used' && this.isDue()) return;
    this.traffic.carry(bytes, frame.type === 'output' && frame.text !== '');
    this.checkTraffic();
  }

  /** Whether it is time for the next `used`, of which a long execution has many. */
  private isDue(): boolean {
    const now = performance.now();
    if (now - this.usedAtMs < USED_MIN_MS) return false;
    this.usedAtMs = now;
    return true;
  }

  private checkTraffic(): void {
    if (!this.traffic.isTooMuch || this.isFlooding) return;
    this.isFlooding = true;
    // What it sends after its last word still costs us.
    if (this.endedAt > 0) this.slot.stop('output');
    else this.end('output');
  }

  onFrame(frame: ExecutionFrame): void {
    // The report of a runner is final: frames after it are ignored, except output and usage.
    if (this.report !== null && frame.type !== 'output' && frame.type !== 'used') return;
    switch (frame.type) {
      case 'output':
        return this.print(frame);
      case 'loaded':
        this.loadMs = frame.loadMs;
        return;
      case 'progress':
        this.noteProgress(frame);
        return;
      case 'module-request':
        void this.services.answer(frame).then((reply) => this.reply(reply));
        return;
      case 'unheard':
        if (this.signalledAt !== null) this.end('cancelled');
        return;
      case 'uncaught':
        this.uncaught = frame;
        return;
      case 'used':
        this.watch.noteCpu(frame.userMs, frame.systemMs);
        return;
      case 'exiting':
        this.report = frame;
        return;
      case 'result':
        this.loadMs ??= frame.loadMs ?? null;
        return this.take(frame);
      case 'error':
        return this.take(frame);
    }
  }

  private take(report: NonNullable<RunEnd['report']>): void {
    this.report = report;
    this.end(null);
  }

  onRawOutput(stream: OutputStream, text: string): void {
    this.print({ stream, level: LEVEL_OF[stream], ts: Date.now(), text, raw: true });
  }

  onViolation(what: string): void {
    this.violation = what;
    this.end('protocol');
  }

  private cancel({ request }: Cancellation): void {
    if (this.endedAt > 0 || request === null) return;
    this.signalledAt = new Date();
    this.slot.cancel(cancelMessage(request));
    this.grace = setTimeout(() => this.end('cancelled'), this.limits.cancelGraceMs);
  }

  /** The first reason wins; what the runner says afterwards no longer counts. */
  private end(verdict: Verdict | null): void {
    if (this.endedAt > 0) return;
    this.endedAt = performance.now();
    this.verdict = verdict;
    if (verdict !== null) this.killedAt = new Date();
    // A report includes what was used.
    if (verdict !== null) this.watch.read();
    this.watch.stop();
    // A runner that waits for its output to be taken can neither answer nor send.
    if (this.held !== null) this.slot.hold(false);
    this.slot.stop(verdict ?? 'reported');
  }

  private reply(reply: ModuleReply): void {
    if (reply.kind === 'modules') this.modules.push(...reply.modules);
    this.slot.reply(reply);
  }

  private noteProgress({ fraction, message }: ProgressFrame): void {
    if (this.endedAt > 0) return;
    this.progress = { fraction, message: message === null ? null : this.services.redactor.text(message) };
    this.services.onProgress(this.progress);
  }

  private print(printed: PrintedText): void {
    // What it prints after its own report comes too late.
    if (this.endedAt > 0 && this.verdict === null) return;
    this.traffic.print(this.output.add(printed));
    this.checkTraffic();
  }

  /** The log may be full: then the runner is not read, and waits at its next print. */
  private passOn(entry: LogEntry): void {
    const room = this.services.onLog(entry);
    if (room === null || this.held !== null || this.endedAt > 0) return;
    this.slot.hold(true);
    this.held = room.finally(() => {
      this.held = null;
      if (this.endedAt === 0) this.slot.hold(false);
    });
  }

  private describe(end: SlotEnd, rootUrl: string, durationMs: number): RunEnd {
    const { list, truncated } = this.output.entries();
    return {
      verdict: this.verdict,
      cancel: this.signalledAt && { signalledAt: this.signalledAt, killedAt: this.killedAt },
      violation: this.violation,
      report: this.report,
      uncaught: this.uncaught,
      exit: end.exit ?? { exitCode: null, signal: null },
      stuck: end.stuck,
      outOfMemory: end.outOfMemory,
      trace: end.trace,
      modules: this.modules,
      rootUrl,
      durationMs,
      loadMs: this.loadMs,
      progress: this.progress,
      stdout: this.output.text('stdout'),
      stderr: this.output.text('stderr'),
      logs: list,
      logsTruncated: truncated,
      memorySamplesMb: this.watch.samplesMb,
      peakMb: this.watch.peakMb,
      networkBytes: this.slot.runner.outlet?.transferredBytes ?? null,
      kernelUsage: this.watch.usage ?? end.usage,
    };
  }
}
