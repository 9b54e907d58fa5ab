import type { ProcessState, RunnerRecord } from '../../contract/worker-record.js';
import type { RunnerProcess } from '../process/runner-process.js';
import { PROVEN_AFTER_MS } from './boot-trouble.js';
import type { RunnerView } from './pool-view.js';
import type { RunnerLease } from './runner-lease.js';

/** What the pool knows of one runner: which key it serves and what runs on it. */
export class PooledRunner implements RunnerView<RunnerLease> {
  key: string | null = null;
  readonly places = new Set<RunnerLease>();
  usedAtMs = performance.now();
  keptMemoryMb: number | null = null;
  /** An execution on it has ended. */
  private hasServed = false;

  constructor(readonly runner: RunnerProcess) {}

  get state(): ProcessState {
    return this.runner.standing.state;
  }

  get ownsProcess(): boolean {
    return this.runner.kind.ownsProcess;
  }

  get executions(): number {
    return this.runner.executions;
  }

  get unfit(): string | null {
    return this.runner.unfit;
  }

  get bornAtMs(): number {
    return this.runner.bornAtMs;
  }

  get hasPackages(): boolean {
    return this.runner.place.hasPackages;
  }

  /** It has worked, or lived long enough to be trusted. */
  get isProven(): boolean {
    return this.hasServed || performance.now() - this.bornAtMs > PROVEN_AFTER_MS;
  }

  free(lease: RunnerLease): void {
    this.places.delete(lease);
    this.hasServed = true;
    this.usedAtMs = performance.now();
  }

  /** Between two executions. */
  measure(): void {
    const { probe } = this.runner;
    this.keptMemoryMb = this.ownsProcess ? (probe.rest()?.memoryMb ?? null) : probe.memoryMb();
  }

  record(): RunnerRecord {
    const { id, kind, state, pid, executions, probe } = this.runner;
    const mb = probe.memoryMb();
    return {
      id,
      kind: kind.name,
      state,
      pid,
      executions,
      memory_mb: mb === null ? null : Math.round(mb),
      current: [...this.places].map(({ executionId, startedAtMs }) => ({
        execution_id: executionId,
        started_at: new Date(startedAtMs).toISOString(),
      })),
    };
  }
}
