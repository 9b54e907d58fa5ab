import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EX_CONFIG, SettingsError } from '../config/settings.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import type { Service } from '../lib/service.js';
import { pause, waitAtMost } from '../lib/time-limit.js';
import { QueueConsumer } from './queue-consumer.js';
import { WORKER_SERVICES } from './services/worker-services.js';

/** A second signal within this time is the same Ctrl-C, sent twice by a launcher. */
const SIGNAL_ECHO_MS = 1_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** What began of a start that cannot pass has this long to end. */
const GIVE_UP_MS = 8_000;

/**
 * Starts the services of the worker with the application and stops them before it ends: no new work, what runs
 * finishes or is handed back, then the rest. HTTP outlives all of it, so that probes answer correctly meanwhile;
 * Redis is closed last.
 */
@Injectable()
export class WorkerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(WorkerLifecycle.name);
  private readonly stopped = new AbortController();
  private stopping: Promise<void> | null = null;

  constructor(
    @Inject(WORKER_SERVICES) private readonly services: Service,
    private readonly consumer: QueueConsumer,
    private readonly state: WorkerStateHolder,
  ) {}

  /** Returns at once: HTTP must answer probes while packages are installed, which may take minutes. */
  onApplicationBootstrap(): void {
    this.listenForHaste();
    void this.start();
  }

  /** Tries until it has started. What keeps it from that may pass, unless it is a matter of the settings. */
  private async start(): Promise<void> {
    const { signal } = this.stopped;
    for (let pauseMs = RETRY_FIRST_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS)) {
      try {
        await this.services.start();
        this.state.startProblem = null;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SettingsError) return this.giveUp(error);
        this.noteProblem((error as Error).message);
        await pause(pauseMs, signal);
      }
    }
  }

  /** The log says it once for each reason. */
  private noteProblem(reason: string): void {
    if (this.state.startProblem !== reason)
      this.logger.error({ msg: 'the worker cannot start; it tries again until it can', reason });
    this.state.startProblem = reason;
  }

  /** What the operator has to change does not pass by waiting: a worker that would never take work ends. */
  private async giveUp(error: SettingsError): Promise<void> {
    this.logger.error({ msg: 'the worker cannot start', reason: error.message });
    await waitAtMost(
      Promise.resolve(this.services.stop()).catch(() => undefined),
      GIVE_UP_MS,
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
    this.stopped.abort();
    if (this.state.current === 'STARTING') this.state.enter('STOPPED');
    try {
      await this.services.stop();
    } catch (error) {
      this.logger.error({
        msg: 'a part of the worker did not stop in order',
        reason: (error as Error).message,
      });
    }
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
}
