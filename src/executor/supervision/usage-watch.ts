import type { RunLimits } from '../../outcome/run-limits.js';
import { type CpuUsage, type KernelUsage, usageBetween } from '../../isolation/process-usage.js';
import type { Slot } from '../kinds/slot.js';

/** A limit of what an execution may use. */
export type UsageLimit = 'cpu' | 'memory' | 'scratch';

const MB = 1_048_576;
/** CPU time is read at every fourth look: it grows no faster than time does. */
const POLLS_PER_USAGE = 4;
const MEMORY_SAMPLES_KEPT = 20;

/**
 * Watches what one execution uses of memory and CPU time, and reports when it exceeds a limit.
 *
 * What a process uses is asked of the kernel. Only the host of a thread knows what the thread uses, and reports it by `noteCpu`;
 * the host also ends a thread for its memory, and the kernel is asked for that of the host as a whole.
 */
export class UsageWatch {
  /** The newest readings, in MB. */
  readonly samplesMb: number[] = [];
  /** CPU time so far, where it is known. */
  usage: KernelUsage | null = null;
  private before: CpuUsage | null;
  private isOver = false;
  private sampledPeakMb = 0;
  private polls = 0;
  private measuring = false;

  constructor(
    private readonly slot: Slot,
    private readonly limits: RunLimits,
    private readonly onLimit: (limit: UsageLimit) => void,
  ) {
    // A process that is used again has used something before.
    this.before = slot.ownsProcess ? slot.runner.probe.start() : null;
  }

  stop(): void {
    this.isOver = true;
  }

  get peakMb(): number {
    return Math.max(this.sampledPeakMb, this.slot.ownsProcess ? (this.usage?.peakMb ?? 0) : 0);
  }

  /** Reads the CPU time once more, of a process that is still there. */
  read(): void {
    if (!this.slot.ownsProcess) return;
    const now = this.slot.runner.probe.usage();
    if (now === null) return;
    // What executions before were charged with, runners say: from here on it cannot hide what this one uses.
    if (this.before !== null) this.before = earlier(this.before, now);
    this.usage = usageBetween(this.before, now);
  }

  /** What the execution is charged with: by the report of its runner, else as the kernel counts it. */
  charge(reported: CpuUsage | undefined): void {
    const charged = reported ?? this.usage;
    if (this.slot.ownsProcess && charged !== null) this.slot.runner.probe.charge(charged);
  }

  /** What its host says of a thread. */
  noteCpu(userMs: number, systemMs: number): void {
    this.usage = { userMs, systemMs, peakMb: 0 };
    this.checkCpu();
  }

  /** To be called every TICK_MS. */
  tick(): void {
    if (this.isOver) return;
    this.polls += 1;
    if (this.polls % POLLS_PER_USAGE === 0) {
      this.read();
      this.checkCpu();
      void this.checkScratch();
    }
    const mb = this.slot.runner.probe.memoryMb();
    if (mb === null) return;
    this.sampledPeakMb = Math.max(this.sampledPeakMb, mb);
    this.samplesMb.push(Math.round(mb));
    if (this.samplesMb.length > MEMORY_SAMPLES_KEPT) this.samplesMb.shift();
    if (mb > this.processLimitMb) this.onLimit('memory');
  }

  private checkCpu(): void {
    const { cpuMs } = this.limits;
    if (cpuMs === null || this.usage === null) return;
    if (this.usage.userMs + this.usage.systemMs > cpuMs) this.onLimit('cpu');
  }

  /** Slow where a disk has many files: one look at a time. Threads share the folder that is looked at. */
  private async checkScratch(): Promise<void> {
    if (this.measuring || !this.slot.ownsProcess) return;
    this.measuring = true;
    const { place, pid } = this.slot.runner;
    const limit = this.limits.scratchMb * MB;
    const bytes = (await place.usedBytes(pid, limit)) ?? 0;
    this.measuring = false;
    if (bytes > limit) this.onLimit('scratch');
  }

  /** A host of threads may hold what all of them may use; each thread's own share is the host's to watch. */
  private get processLimitMb(): number {
    const { memoryMb } = this.limits;
    return this.slot.ownsProcess ? memoryMb : memoryMb * (this.slot.runner.slots + 1);
  }
}

const earlier = (first: CpuUsage, second: CpuUsage): CpuUsage => ({
  userMs: Math.min(first.userMs, second.userMs),
  systemMs: Math.min(first.systemMs, second.systemMs),
});
