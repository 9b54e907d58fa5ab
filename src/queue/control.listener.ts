import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { ALL_WORKERS, type ControlMessage, controlMessageSchema } from '../contract/control.js';
import { RunnerPool } from '../executor/runner-pool.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { RedisKeys } from '../redis/keys.js';
import type { RedisClient } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { QueueConsumer } from './queue-consumer.js';

/**
 * Carries out what operators send over Redis. A message that cannot be read is logged and ignored, and
 * so is a command that does not fit the state, such as `resume` for a worker that drains.
 */
@Injectable()
export class ControlListener {
  private readonly logger = new Logger(ControlListener.name);
  private subscriber: RedisClient | null = null;
  private readonly channels: string[];

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    keys: RedisKeys,
    private readonly state: WorkerStateHolder,
    private readonly consumer: QueueConsumer,
    private readonly pool: RunnerPool,
    @InjectSettings() settings: Settings,
  ) {
    this.channels = [settings.WORKER_ID, ALL_WORKERS].map((id) => keys.controlChannel(id));
  }

  /** Listens from now on, again after every loss of the connection. */
  start(): void {
    if (this.subscriber) return;
    // A connection that subscribes can do nothing else.
    const subscriber = (this.redis as { duplicate(): RedisClient }).duplicate();
    this.subscriber = subscriber;
    // The connection it is a copy of reports that Redis is away.
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel: string, text: string) => {
      this.receive(text).catch((error: Error) =>
        this.logger.warn({ msg: 'control command failed', reason: error.message }),
      );
    });
    subscriber
      .subscribe(...this.channels)
      .catch((error: Error) => this.logger.debug(`not subscribed: ${error.message}`));
  }

  stop(): void {
    this.subscriber?.disconnect();
    this.subscriber = null;
  }

  private async receive(text: string): Promise<void> {
    const parsed = controlMessageSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      const reason = parsed.error.issues
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join('; ');
      this.logger.warn({ msg: 'control message ignored', reason });
      return;
    }
    this.logger.log({ msg: 'control command', ...parsed.data });
    await this.carryOut(parsed.data);
  }

  private async carryOut({ command, pid }: ControlMessage): Promise<void> {
    switch (command) {
      case 'pause':
        if (this.state.current !== 'ACTIVE') return this.ignore(command);
        this.state.enter('PAUSED');
        return this.consumer.pause();
      case 'resume':
        if (this.state.current !== 'PAUSED') return this.ignore(command);
        this.state.enter('ACTIVE');
        return this.consumer.resume();
      case 'recycle':
      case 'recycle_runner':
        this.logger.log({ msg: 'runners are replaced', runners: this.pool.recycle(pid) });
        return;
      case 'drain':
      case 'shutdown':
        // The one way down: the same as an orchestrator's, with the same deadline.
        process.kill(process.pid, 'SIGTERM');
    }
  }

  private ignore(command: string): void {
    this.logger.warn({ msg: 'control command does not fit the state', command, state: this.state.current });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
