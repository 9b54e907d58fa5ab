import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import {
  ALL_WORKERS,
  type ControlMessage,
  controlMessageSchema,
  poolControlSchema,
  requestIdSchema,
} from '../contract/control.js';
import { WorkerCommands } from '../heartbeat/worker-commands.js';
import type { Service } from '../lib/service.js';
import { RedisKeys } from '../redis/keys.js';
import type { RedisClient } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { asJson, asText, parseJson, RedisSubscription } from '../redis/redis-subscription.js';
import { type CommandOutcome, OperatorCommands } from './operator-commands.js';

/** The log shows at most this much of a message that cannot be read. */
const SHOWN_CHARS = 200;

/**
 * Receives what operators send over Redis, runs one command after the other, and answers those
 * that have a request id. A message that cannot be read is named in the log and ignored.
 */
@Injectable()
export class ControlListener implements Service {
  private readonly logger = new Logger(ControlListener.name);
  private readonly subscription: RedisSubscription<string>;
  /** On which the engine sends what it wants of a pool, in its own form. */
  private readonly poolChannel: string;
  private readonly workerId: string;
  private last: Promise<void> = Promise.resolve();

  constructor(
    @Inject(PATIENT_REDIS) redis: RedisClient,
    keys: RedisKeys,
    private readonly operator: OperatorCommands,
    private readonly commands: WorkerCommands,
    @InjectSettings(workerSettings) settings: WorkerSettings,
  ) {
    this.workerId = settings.id;
    this.poolChannel = keys.poolChannel(settings.id);
    this.subscription = new RedisSubscription(redis, this.logger, {
      name: 'control message',
      channels: [...[settings.id, ALL_WORKERS].map((id) => keys.controlChannel(id)), this.poolChannel],
      decode: asText,
      receive: (text, channel) => this.enqueue(text, channel),
      refusal: 'operators cannot reach this worker',
    });
  }

  /**
   * Resolves when this worker receives every command that is sent from then on, or is stopped; after a loss
   * of the connection it listens again by itself. Never rejects: without permission to subscribe a
   * worker works, and says that operators cannot reach it.
   */
  start(): Promise<void> {
    return this.subscription.start();
  }

  /** Receives nothing from then on. Resolves when the commands under way are finished. */
  async stop(): Promise<void> {
    this.subscription.stop();
    await this.last;
  }

  /** Rejects with what the command does; the next one runs nevertheless. */
  private enqueue(text: string, channel: string): Promise<void> {
    const done = this.last.then(() => this.receive(text, channel));
    this.last = done.catch(() => undefined);
    return done;
  }

  private async receive(text: string, channel: string): Promise<void> {
    const schema = channel === this.poolChannel ? poolControlSchema : controlMessageSchema;
    let message: ControlMessage;
    try {
      message = asJson<ControlMessage>(schema)(text);
    } catch (error) {
      return this.refuse(text, (error as Error).message);
    }
    const { request_id: requestId, ...order } = message;
    const outcome = await this.handle(order);
    this.logger.log({ msg: 'control command', ...order, ...outcome });
    if (requestId !== undefined) await this.answer(requestId, outcome);
  }

  /** A client that waits for an answer to what cannot be read gets one that says so. */
  private async refuse(text: string, reason: string): Promise<void> {
    this.logger.warn({ msg: 'control message ignored', reason, text: text.slice(0, SHOWN_CHARS) });
    const asked = requestIdSchema.safeParse(parseJson(text));
    if (asked.success)
      await this.answer(asked.data.request_id, { obeyed: false, detail: `not read: ${reason}` });
  }

  private async answer(requestId: string, outcome: CommandOutcome): Promise<void> {
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
