import { existsSync } from 'node:fs';
import type { Settings } from '../../config/settings.js';
import type { RunnerRecord } from '../../contract/worker-record.js';
import { PROVEN_AFTER_MS } from './boot-trouble.js';
import { packageSets } from '../../isolation/candidates.js';
import type { RunnerLease } from './runner-lease.js';
import type { RunnerProcess } from '../process/runner-process.js';

/** When a runner that could be used again is replaced instead. 0 executions: never for that reason. */
export interface RecycleRules {
  maxExecutions: number;
  maxAgeMs: number;
  memoryMb: number;
}

/** What the pool knows of one runner: which key it serves and what runs on it. */
export class PooledRunner {
  /** The key that it has served; null: none yet. */
  key: string | null = null;
  /** An execution on it has ended. */
  served = false;
  /** Is over when the place that was given back last is free again. */
  settling: Promise<void> | null = null;
  readonly leases = new Set<RunnerLease>();
  usedAtMs = performance.now();

  constructor(
    readonly runner: RunnerProcess,
    private readonly rules: RecycleRules,
  ) {}

  /** It has worked, or lived long enough to be trusted. */
  get isProven(): boolean {
    return this.served || performance.now() - this.runner.bornAtMs > PROVEN_AFTER_MS;
  }

  get isSpare(): boolean {
    return this.key === null && this.runner.state === 'ACTIVE';
  }

  /** Without work, and kept for the key that it has served. */
  get isIdle(): boolean {
    return this.key !== null && this.leases.size === 0 && this.runner.state === 'ACTIVE';
  }

  takes(key: string): boolean {
    const { state, slots } = this.runner;
    return state === 'ACTIVE' && this.leases.size < slots && (this.key === null || this.key === key);
  }

  /** Whether it is merely being cleaned up after an execution of this key, and may be used again then. */
  soonTakes(key: string): boolean {
    const ended = [...this.leases].some(
      ({ keep, slot }) => keep && slot?.end?.exit === null && !slot.end.stuck,
    );
    return this.key === key && this.runner.state === 'ACTIVE' && this.settling !== null && ended;
  }

  /** Whether the runner is to go on after the execution that begins now. */
  get servesAgain(): boolean {
    const { maxExecutions } = this.rules;
    if (maxExecutions === 1) return false;
    // A host counts for each of its threads.
    return !this.runner.kind.ownsProcess || maxExecutions === 0 || this.runner.executions + 1 < maxExecutions;
  }

  /** Why it is to be replaced after an execution; null: it is not. */
  get worn(): string | null {
    const { runner, rules } = this;
    if (runner.unfit !== null) return runner.unfit;
    if (runner.kind.ownsProcess && rules.maxExecutions > 0 && runner.executions >= rules.maxExecutions)
      return `${runner.executions} executions`;
    if (performance.now() - runner.bornAtMs > rules.maxAgeMs) return 'age';
    return (this.memoryMb() ?? 0) > rules.memoryMb ? 'memory' : null;
  }

  record(): RunnerRecord {
    const { id, kind, state, pid, executions } = this.runner;
    const mb = this.memoryMb();
    return {
      id,
      kind: kind.name,
      state,
      pid,
      executions,
      memory_mb: mb === null ? null : Math.round(mb),
      current: [...this.leases].map(({ executionId, startedAt }) => ({
        execution_id: executionId,
        started_at: startedAt,
      })),
    };
  }

  private memoryMb(): number | null {
    return this.runner.probe.memoryMb();
  }
}

/** Spares that were started before there were any packages here: they cannot see those that came since. */
export function blindSpares(runners: Iterable<PooledRunner>, settings: Settings): PooledRunner[] {
  const blind = [...runners].filter(({ isSpare, runner }) => isSpare && !runner.place.hasPackages);
  return blind.length > 0 && existsSync(packageSets(settings)) ? blind : [];
}
