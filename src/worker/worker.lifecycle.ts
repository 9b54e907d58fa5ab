import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type Settings, SettingsError } from '../config/settings.js';
import { failedChecks } from '../contract/isolation-report.js';
import type { WorkerRecord } from '../contract/worker-record.js';
import { ExecutorService } from '../executor/executor.service.js';
import { RunnerPool } from '../executor/pool/runner-pool.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { HeartbeatService } from '../heartbeat/heartbeat.service.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { PackagesService } from '../packages/packages.service.js';
import { WorkerLease } from '../results/worker-lease.js';
import { CancelListener } from './cancel.listener.js';
import { ControlListener } from './control.listener.js';
import { QueueConsumer } from './queue-consumer.js';

/** A second signal within this time is the same Ctrl-C, sent twice by a launcher. */
const SIGNAL_ECHO_MS = 1_000;
/** Beyond the drain deadline: how long the shutdown itself may take before the process just ends. */
const LAST_DEADLINE_MS = 8_000;

/** sysexits.h: something was found in an unconfigured or misconfigured state. */
const EX_CONFIG = 78;

/**
 * Starts and stops the worker in order; that is why it takes everything that lives as long as the worker.
 *
 * Start: lease and heartbeat, then runners with their self-test, packages and commands, then the queue. Stop: no new work,
 * what runs finishes or is handed back, then heartbeat, lease and runners go. HTTP outlives all of it,
 * so that probes answer correctly meanwhile; Redis is closed last.
 */
@Injectable()
export class WorkerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(WorkerLifecycle.name);
  private stopping: Promise<void> | null = null;

  constructor(
    private readonly state: WorkerStateHolder,
    private readonly pool: RunnerPool,
    private readonly selfTest: SelfTestService,
    private readonly lease: WorkerLease,
    private readonly heartbeat: HeartbeatService,
    private readonly consumer: QueueConsumer,
    private readonly packages: PackagesService,
    private readonly executor: ExecutorService,
    private readonly control: ControlListener,
    private readonly cancels: CancelListener,
    @InjectSettings() private readonly settings: Settings,
  ) {}

  /** Returns at once: HTTP must answer probes while packages are installed, which may take minutes. */
  onApplicationBootstrap(): void {
    this.listenForHaste();
    this.begin().catch((error: Error) => this.failed(error));
  }

  /** What the operator has to change does not pass by waiting: a worker that would never take work ends. */
  private async failed(error: Error): Promise<void> {
    this.logger.error({ msg: 'the worker cannot start', reason: error.message });
    if (!(error instanceof SettingsError)) return;
    await this.heartbeat.stop();
    process.stderr.write(`${error.message}\n`);
    process.exit(EX_CONFIG);
  }

  private async begin(): Promise<void> {
    await this.lease.start();
    await this.heartbeat.start(() => ({
      running: this.consumer.running,
      lease: this.lease.owner,
      runners: this.pool.records(),
      ...this.isolation(),
      runner_totals: this.pool.totals,
      package_set: this.packages.status.set,
      packages: { state: this.packages.status.state, failed: this.packages.status.failed.length },
      workspace_generation: this.executor.lastGeneration,
    }));
    this.pool.onChange(() => this.heartbeat.touch());
    // A client that sees the worker as active may send it commands: it listens by then.
    await Promise.all([this.startRunners(), this.packages.settled(), this.control.start()]);
    if (this.stopping) return;
    this.state.enter('ACTIVE');
    this.cancels.start();
    this.consumer.start();
  }

  /** No execution begins before the isolation is known: its result shows it, and it may be weaker than required. */
  private async startRunners(): Promise<void> {
    await this.executor.start();
    await this.selfTest.run();
  }

  private isolation(): Pick<WorkerRecord, 'isolation' | 'isolation_grade' | 'isolation_failed' | 'network'> {
    const { report } = this.selfTest;
    const isolation = this.pool.factoryInUse()?.choice.level.name ?? null;
    if (report === null) return { isolation };
    const { grade, network } = report;
    return { isolation, isolation_grade: grade, isolation_failed: failedChecks(report), network };
  }

  /** Drains; safe to call twice. */
  beforeApplicationShutdown(): Promise<void> {
    this.stopping ??= this.stop();
    return this.stopping;
  }

  private async stop(): Promise<void> {
    const timeoutMs = this.settings.DRAIN_TIMEOUT_SECONDS * 1000;
    this.limitShutdown(timeoutMs + LAST_DEADLINE_MS);
    if (this.state.current === 'STARTING') this.state.enter('STOPPED');
    else {
      this.state.enter('DRAINING');
      this.logger.log({ msg: 'draining', running: this.consumer.running, timeoutSeconds: timeoutMs / 1000 });
      await this.consumer.drain(timeoutMs);
      this.state.enter('STOPPED');
    }
    this.cancels.stop();
    await this.control.stop();
    await this.heartbeat.stop();
    await this.lease.stop();
    await this.pool.stop();
    this.logger.log('stopped');
  }

  /** On a second SIGTERM or SIGINT: its sender does not want to wait. */
  private listenForHaste(): void {
    let firstAtMs: number | null = null;
    const onSignal = (): void => {
      const nowMs = performance.now();
      firstAtMs ??= nowMs;
      if (nowMs - firstAtMs > SIGNAL_ECHO_MS) this.consumer.expedite();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  }

  private limitShutdown(afterMs: number): void {
    setTimeout(() => {
      this.logger.error('the shutdown did not end in time; what runs goes back to the queue as stalled');
      process.exit(0);
    }, afterMs).unref();
  }
}
