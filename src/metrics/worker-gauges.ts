import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CompilerPool } from '../compile/compiler-pool.js';
import { InjectSettings } from '../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import { failedChecks } from '../contract/isolation-report.js';
import { PACKAGES_STATES } from '../contract/packages.js';
import { PROCESS_STATES, WORKER_STATES } from '../contract/worker-record.js';
import { RunnerPool } from '../executor/pool/runner-pool.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { HeartbeatService } from '../heartbeat/heartbeat.service.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { PackagesService } from '../packages/packages.service.js';
import { Instruments } from './instruments.js';

/** What is so at the moment, of a process that runs executions. */
@Injectable()
export class WorkerGauges implements OnModuleInit {
  constructor(
    private readonly instruments: Instruments,
    private readonly pool: RunnerPool,
    private readonly compilers: CompilerPool,
    private readonly selfTest: SelfTestService,
    private readonly heartbeat: HeartbeatService,
    private readonly state: WorkerStateHolder,
    private readonly packages: PackagesService,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  onModuleInit(): void {
    this.instruments.onCollect(() => this.refresh());
  }

  private refresh(): void {
    const to = this.instruments;
    const runners = this.pool.records();
    to.set(
      'running',
      runners.reduce((sum, { current }) => sum + current.length, 0),
    );
    to.set('compilers', this.compilers.size);
    to.set('concurrency', this.settings.concurrency);
    for (const state of PROCESS_STATES) {
      const inState = runners.filter((runner) => runner.state === state);
      const busy = inState.filter(({ current }) => current.length > 0).length;
      to.set('runners', busy, { state, busy: 'true' });
      to.set('runners', inState.length - busy, { state, busy: 'false' });
    }
    to.setState('workerState', WORKER_STATES, this.state.current);
    to.setState('packages', PACKAGES_STATES, this.packages.status.state);
    to.set('packagesFailed', this.packages.status.failed.length);
    const { report } = this.selfTest;
    if (report) {
      const { level, grade, network } = report;
      to.set('isolationGrade', 1, { level, grade, network });
      to.set('isolationFailed', failedChecks(report).length);
    }
    const way = this.pool.factoryInUse()?.way;
    if (way) to.set('runnersForked', way.start === 'fork' ? 1 : 0);
    const { ageMs } = this.heartbeat;
    if (ageMs !== null) to.set('heartbeatAge', ageMs / 1000);
  }
}
