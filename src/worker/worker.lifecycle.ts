import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { SettingsError } from '../config/settings.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import type { Service } from '../lib/service.js';
import { waitAtMost } from '../lib/time-limit.js';
import { QueueConsumer } from './queue-consumer.js';
import { WORKER_SERVICES } from './services/worker-services.js';

/** A second signal within this time is the same Ctrl-C, sent twice by a launcher. */
const SIGNAL_ECHO_MS = 1_000;
/** Beyond the drain deadline: how long the shutdown itself may take before the process just ends. */
const LAST_DEADLINE_MS = 8_000;

/** sysexits.h: something was found in an unconfigured or misconfigured state. */
const EX_CONFIG = 78;

/**
 * Starts the services of the worker with the application and stops them before it ends: no new work, what runs
 * finishes or is handed back, then the rest. HTTP outlives all of it, so that probes answer correctly meanwhile;
 * Redis is closed last.
 */
@Injectable()
export class WorkerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(WorkerLifecycle.name);
  private stopping: Promise<void> | null = null;

  constructor(
    @Inject(WORKER_SERVICES) private readonly services: Service,
    private readonly consumer: QueueConsumer,
    private readonly state: WorkerStateHolder,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  /** Returns at once: HTTP must answer probes while packages are installed, which may take minutes. */
  onApplicationBootstrap(): void {
    this.listenForHaste();
    void this.start();
  }

  private async start(): Promise<void> {
    try {
      await this.services.start();
    } catch (error) {
      await this.failed(error as Error);
    }
  }

  /** What the operator has to change does not pass by waiting: a worker that would never take work ends. */
  private async failed(error: Error): Promise<void> {
    this.logger.error({ msg: 'the worker cannot start', reason: error.message });
    if (!(error instanceof SettingsError)) return;
    await waitAtMost(
      Promise.resolve(this.services.stop()).catch(() => undefined),
      LAST_DEADLINE_MS,
    );
    process.stderr.write(`${error.message}\n`);
    process.exit(EX_CONFIG);
  }

  /** Drains; safe to call twice. */
  beforeApplicationShutdown(): Promise<void> {
    this.stopping ??= this.stop();
    return this.stopping;
  }

  private async stop(): Promise<void> {
    this.limitShutdown(this.settings.drainTimeoutMs + LAST_DEADLINE_MS);
    if (this.state.current === 'STARTING') this.state.enter('STOPPED');
    await this.services.stop();
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
