import { Injectable } from '@nestjs/common';
import { failedChecks } from '../../contract/isolation-report.js';
import type { WorkerRecord } from '../../contract/worker-record.js';
import { ExecutorService } from '../../executor/executor.service.js';
import { RunnerPool } from '../../executor/pool/runner-pool.js';
import { SelfTestService } from '../../executor/self-test.service.js';
import type { Service } from '../../lib/service.js';

/** What the record of a worker says of its runners. */
export type RunnersRecord = Pick<
  WorkerRecord,
  | 'runners'
  | 'runner_totals'
  | 'isolation'
  | 'isolation_grade'
  | 'isolation_failed'
  | 'network'
  | 'workspace_generation'
>;

/** Runners whose isolation is known: no execution begins before, as its result shows it, and it may be weaker than required. */
@Injectable()
export class WorkerRunners implements Service {
  constructor(
    private readonly executor: ExecutorService,
    private readonly pool: RunnerPool,
    private readonly selfTest: SelfTestService,
  ) {}

  /** @throws {SettingsError} when the isolation is not what the settings require */
  async start(): Promise<void> {
    await this.executor.start();
    await this.selfTest.run();
  }

  /** The compilers also serve the API: they end with the application. */
  async stop(): Promise<void> {
    await this.pool.stop();
  }

  /** Calls back whenever the record has changed. */
  onChange(listener: () => void): void {
    this.pool.onChange(listener);
  }

  get record(): RunnersRecord {
    return {
      runners: this.pool.records(),
      ...this.isolation(),
      runner_totals: this.pool.totals,
      workspace_generation: this.executor.lastGeneration,
    };
  }

  private isolation(): Pick<RunnersRecord, 'isolation' | 'isolation_grade' | 'isolation_failed' | 'network'> {
    const { report } = this.selfTest;
    const isolation = this.pool.factoryInUse()?.choice.level.name ?? null;
    if (report === null) return { isolation };
    const { grade, network } = report;
    return { isolation, isolation_grade: grade, isolation_failed: failedChecks(report), network };
  }
}
