import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { ALL_WORKERS, type ControlMessage, controlMessageSchema } from '../contract/control.js';
import { WorkerCommands } from '../heartbeat/worker-commands.js';
import { RedisKeys } from '../redis/keys.js';
import type { RedisClient } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { OperatorCommands } from './operator-commands.js';

/** The log shows at most this much of a message that cannot be read. */
const SHOWN_CHARS = 200;

/**
 * Receives what operators send over Redis, runs one command after the other, and answers those
 * that have a request id. A message that cannot be read is named in the log and ignored.
 */
@Injectable()
export class ControlListener {
  private readonly logger = new Logger(ControlListener.name);
  private readonly channels: string[];
  private readonly workerId: string;
  private subscriber: RedisClient | null = null;
  private subscribed: Promise<void> = Promise.resolve();
  private last: Promise<void> = Promise.resolve();

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    keys: RedisKeys,
    private readonly operator: OperatorCommands,
    private readonly commands: WorkerCommands,
    @InjectSettings() settings: Settings,
  ) {
    this.workerId = settings.WORKER_ID;
    this.channels = [settings.WORKER_ID, ALL_WORKERS].map((id) => keys.controlChannel(id));
  }

  /**
   * Resolves when this worker receives every command that is sent from then on, or is stopped; after a loss
   * of the connection it listens again by itself. Never rejects: without permission to subscribe a
   * worker works, and says that operators cannot reach it.
   */
  start(): Promise<void> {
    if (this.subscriber) return this.subscribed;
    // A connection that subscribes can do nothing else.
    const subscriber = (this.redis as { duplicate(): RedisClient }).duplicate();
    this.subscriber = subscriber;
    // The connection it is a copy of reports that Redis is away.
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel: string, text: string) => this.enqueue(text));
    this.subscribed = subscriber.subscribe(...this.channels).then(
      () => undefined,
      (error: Error) => {
        if (this.subscriber === subscriber)
          this.logger.error({ msg: 'operators cannot reach this worker', reason: error.message });
      },
    );
    return this.subscribed;
  }

  /** Receives nothing from then on. Resolves when the commands under way are finished. */
  async stop(): Promise<void> {
    this.subscriber?.disconnect();
    this.subscriber = null;
    await this.last;
  }

  private enqueue(text: string): void {
    this.last = this.last
      .then(() => this.receive(text))
      .catch((error: Error) => this.logger.warn({ msg: 'control command failed', reason: error.message }));
  }

  private async receive(text: string): Promise<void> {
    const parsed = controlMessageSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      const reason = parsed.error.issues
        .map(({ path, message }) => `${path.join('.') || 'message'}: ${message}`)
        .join('; ');
      this.logger.warn({ msg: 'control message ignored', reason, text: text.slice(0, SHOWN_CHARS) });
      return;
    }
    const { request_id: requestId, ...order } = parsed.data;
    const outcome = await this.handle(order);
    this.logger.log({ msg: 'control command', ...order, ...outcome });
    if (requestId !== undefined)
      await this.commands.answer(requestId, { worker_id: this.workerId, ...outcome });
  }

  private async handle(order: ControlMessage) {
    try {
      return await this.operator.handle(order);
    } catch (error) {
      return { obeyed: false, detail: (error as Error).message };
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'not JSON';
  }
}
