import type { ModuleReply, ModuleRequest } from '../contract/module-protocol.js';
import type {
  ErrorFrame,
  ExecuteCommand,
  ExitingFrame,
  ResultFrame,
  ShippedModule,
  UncaughtFrame,
} from '../contract/runner-protocol.js';
import type { LogEntry } from '../contract/result.js';
import { cancelMessage } from '../contract/cancellation.js';
import { TailBuffer } from '../lib/tail-buffer.js';
import type { Cancellation } from './cancellation.js';
import { LogBuffer } from './log-buffer.js';
import { type KernelUsage, usageBetween } from './process-usage.js';
import type { RunnerExit } from './runner-process.js';
import type { ExecutionFrame, Slot, SlotEnd, SlotListener, StopCause, TimeoutTrace } from './slot.js';

/** Bounds of one run. */
export interface RunLimits {
  timeoutMs: number;
  memoryMb: number;
  outputBytes: number;
  /** How long code may go on after `context.signal` has aborted. */
  cancelGraceMs: number;
}

/** Why we ended a run before it ended by itself. */
export type Verdict = Exclude<StopCause, 'reported'>;

/** Everything that was seen of one run; outcome.ts decides what it means. */
export interface RunEnd {
  verdict: Verdict | null;
  /** It was told to end, by a request to cancel; null: it was not, or it ended before. */
  cancel: { signalledAt: Date; killedAt: Date | null } | null;
  /** What the runner did wrong, for the verdict `protocol`. */
  violation: string | null;
  /** The runner's own last word, if it had one. */
  report: ResultFrame | ErrorFrame | ExitingFrame | null;
  uncaught: UncaughtFrame | null;
  exit: RunnerExit;
  /** Its thread could not be ended. */
  stuck: boolean;
  outOfMemory: boolean;
  /** Where it was at its time limit. */
  trace: TimeoutTrace | null;
  /** Everything that the runner was sent of the code. */
  modules: readonly ShippedModule[];
  rootUrl: string;
  durationMs: number;
  loadMs: number | null;
  stdout: string;
  stderr: string;
  logs: LogEntry[];
  logsTruncated: boolean;
  memorySamplesMb: number[];
  peakMb: number;
  /** What the kernel says that this run used; its own report says it better. */
  kernelUsage: KernelUsage | null;
}

/** What the worker does for a run while it goes on. */
export interface RunServices {
  /** Finds a module that was not shipped; never rejects. */
  answer(request: ModuleRequest): Promise<ModuleReply>;
  onProgress(fraction: number, message: string | null): void;
}

const MEMORY_POLL_MS = 25;
/** Of a process that dies by itself the last reading is all there is. */
const POLLS_PER_USAGE = 10;
const MEMORY_SAMPLES_KEPT = 20;
/** Written beyond the kept output by this factor, code is printing without end. */
const OUTPUT_KILL_FACTOR = 16;

/**
 * One execution on one runner, watched from outside: its time, its memory, its output, its frames.
 *
 * It ends when the runner reports, when its process or thread ends, when a limit is reached or when
 * `signal` aborts. A cancellation has its signal abort first and ends it after the grace time, or at
 * once when the code cannot hear the signal. When `finish` resolves, its output is complete and nothing of it runs any more,
 * unless `stuck` says otherwise.
 */
export class Run implements SlotListener {
  private readonly stdout: TailBuffer;
  private readonly stderr: TailBuffer;
  private readonly logs: LogBuffer;
  private readonly samples: number[] = [];
  private peakMb = 0;
  private verdict: Verdict | null = null;
  private violation: string | null = null;
  private signalledAt: Date | null = null;
  private killedAt: Date | null = null;
  private grace: NodeJS.Timeout | undefined;
  private report: RunEnd['report'] = null;
  private uncaught: UncaughtFrame | null = null;
  private loadMs: number | null = null;
  private usageBefore: Omit<KernelUsage, 'peakMb'> | null = null;
  private kernelUsage: KernelUsage | null = null;
  private polls = 0;
  private endedAt = 0;
  private modules: ShippedModule[] = [];

  constructor(
    private readonly slot: Slot,
    private readonly limits: RunLimits,
    private readonly services: RunServices,
  ) {
    this.stdout = new TailBuffer(limits.outputBytes);
    this.stderr = new TailBuffer(limits.outputBytes);
    this.logs = new LogBuffer(limits.outputBytes);
  }

  async finish(command: ExecuteCommand, signal: AbortSignal, cancellation: Cancellation): Promise<RunEnd> {
    const startedAt = performance.now();
    this.modules = [...command.modules];
    if (this.slot.ownsProcess) this.usageBefore = this.slot.runner.probe.cpu();
    const deadline = setTimeout(() => this.end('timeout'), this.limits.timeoutMs);
    const memoryPoll = setInterval(() => this.checkMemory(), MEMORY_POLL_MS);
    const interrupt = (): void => this.end('interrupted');
    const cancel = (): void => this.cancel(cancellation);
    signal.addEventListener('abort', interrupt, { once: true });
    cancellation.signal.addEventListener('abort', cancel, { once: true });
    try {
      this.slot.start(command, this);
      if (signal.aborted) interrupt();
      if (cancellation.signal.aborted) cancel();
      const end = await this.slot.finished;
      return this.describe(end, command.rootUrl, (this.endedAt || performance.now()) - startedAt);
    } finally {
      clearTimeout(deadline);
      clearTimeout(this.grace);
      clearInterval(memoryPoll);
      signal.removeEventListener('abort', interrupt);
      cancellation.signal.removeEventListener('abort', cancel);
    }
  }

  onFrame(frame: ExecutionFrame): void {
    switch (frame.type) {
      case 'output':
        this[frame.stream].append(frame.text);
        this.logs.add(frame.ts, frame.level, frame.text);
        this.checkOutput();
        return;
      case 'loaded':
        this.loadMs = frame.loadMs;
        return;
      case 'progress':
        this.services.onProgress(frame.fraction, frame.message);
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
      case 'exiting':
        this.report = frame;
        return;
      case 'result':
      case 'error':
        this.report = frame;
        this.end(null);
    }
  }

  onRawOutput(stream: 'stdout' | 'stderr', text: string): void {
    this[stream].append(text);
    this.logs.add(Date.now(), stream === 'stdout' ? 'info' : 'error', text);
    this.checkOutput();
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
    // A report tells what was used by itself.
    if (verdict !== null) this.readUsage();
    this.slot.stop(verdict ?? 'reported');
  }

  private readUsage(): void {
    if (!this.slot.ownsProcess) return;
    const usage = this.slot.runner.probe.usage();
    this.kernelUsage = usageBetween(this.usageBefore, usage) ?? this.kernelUsage;
  }

  private reply(reply: ModuleReply): void {
    if (reply.kind === 'modules') this.modules.push(...reply.modules);
    this.slot.reply(reply);
  }

  private checkMemory(): void {
    if (this.endedAt > 0) return;
    this.polls += 1;
    if (this.polls % POLLS_PER_USAGE === 0) this.readUsage();
    const mb = this.slot.runner.probe.memoryMb();
    if (mb === null) return;
    this.peakMb = Math.max(this.peakMb, mb);
    this.samples.push(Math.round(mb));
    if (this.samples.length > MEMORY_SAMPLES_KEPT) this.samples.shift();
    if (mb > this.processLimitMb) this.end('memory');
  }

  /** A host of threads may hold what all of them may use; each thread's own share is the host's to watch. */
  private get processLimitMb(): number {
    const { memoryMb } = this.limits;
    return this.slot.ownsProcess ? memoryMb : memoryMb * (this.slot.runner.slots + 1);
  }

  private checkOutput(): void {
    if (this.stdout.bytes + this.stderr.bytes > this.limits.outputBytes * OUTPUT_KILL_FACTOR)
      this.end('output');
  }

  private describe(end: SlotEnd, rootUrl: string, durationMs: number): RunEnd {
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
      stdout: this.stdout.toString(),
      stderr: this.stderr.toString(),
      logs: this.logs.list(),
      logsTruncated: this.logs.truncated,
      memorySamplesMb: this.samples,
      peakMb: this.slot.ownsProcess ? Math.max(this.peakMb, this.kernelUsage?.peakMb ?? 0) : this.peakMb,
      kernelUsage: this.kernelUsage ?? end.usage,
    };
  }
}
