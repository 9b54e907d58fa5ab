import type { Logger } from '@nestjs/common';
import type { ZodType } from 'zod';
import type { Service } from '../lib/service.js';
import type { RedisClient } from './connections.js';

/** What is listened for, and what is done about it. */
export interface SubscriptionOptions<Message> {
  /** One message, as the log names it: `cancel message`. */
  name: string;
  /** More may be added later. */
  channels?: readonly string[];
  /** Reads a message: `asText`, or `asJson` of a schema. One that it throws for is logged and ignored. */
  decode: (text: string) => Message;
  /** An error of it is logged. Messages are not waited for: the next may come before this has resolved. */
  receive: (message: Message, channel: string) => void | Promise<void>;
  /** The connection is open, for the first time or again: messages may have been missed before. */
  onOpen?: () => void;
  /** What the log says, once, when Redis does not let this connection subscribe. */
  refusal: string;
}

/**
 * Receives the messages of Redis channels, over a connection of its own, which can do nothing else. After a loss it
 * connects and subscribes again by itself; the connection that it is a copy of reports the loss.
 */
export class RedisSubscription<Message> implements Service {
  private readonly channels: Set<string>;
  private connection: RedisClient | null = null;
  private subscribed: Promise<void> = Promise.resolve();
  private isRefused = false;

  constructor(
    private readonly redis: RedisClient,
    private readonly logger: Pick<Logger, 'warn' | 'error'>,
    private readonly options: SubscriptionOptions<Message>,
  ) {
    this.channels = new Set(options.channels);
  }

  /**
   * Resolves when every message that is sent from then on is received, or Redis has refused that, or it is stopped.
   * Never rejects.
   */
  start(): Promise<void> {
    if (this.connection) return this.subscribed;
    // A Cluster client has the same method with other optional arguments, which TypeScript cannot join.
    const connection = (this.redis as { duplicate(): RedisClient }).duplicate();
    this.connection = connection;
    this.isRefused = false;
    connection.on('error', () => undefined);
    connection.on('message', (channel: string, text: string) => void this.receive(channel, text));
    const { onOpen } = this.options;
    if (onOpen) connection.on('ready', onOpen);
    this.subscribed = this.subscribe(connection, [...this.channels]);
    return this.subscribed;
  }

  /** Receives nothing from then on. */
  stop(): void {
    this.connection?.disconnect();
    this.connection = null;
  }

  /** Receives the messages of one channel more, and starts if need be; resolves as {@link start}. */
  add(channel: string): Promise<void> {
    this.channels.add(channel);
    return this.connection ? this.subscribe(this.connection, [channel]) : this.start();
  }

  /** Receives the messages of a channel no longer. */
  remove(channel: string): void {
    this.channels.delete(channel);
    this.connection?.unsubscribe(channel).catch(() => undefined);
  }

  private async subscribe(connection: RedisClient, channels: readonly string[]): Promise<void> {
    try {
      if (channels.length > 0) await connection.subscribe(...channels);
    } catch (error) {
      if (this.connection !== connection || this.isRefused) return;
      this.isRefused = true;
      this.logger.error({ msg: this.options.refusal, reason: (error as Error).message });
    }
  }

  private async receive(channel: string, text: string): Promise<void> {
    const { name, decode, receive } = this.options;
    let message: Message;
    try {
      message = decode(text);
    } catch (error) {
      this.logger.warn({ msg: `${name} ignored`, reason: (error as Error).message });
      return;
    }
    try {
      await receive(message, channel);
    } catch (error) {
      this.logger.warn({ msg: `${name} failed`, reason: (error as Error).message });
    }
  }
}

/** For messages whose text is what they say. */
export const asText = (text: string): string => text;

/** Reads messages that are JSON of a schema; throws an error that names each field that is wrong. */
export const asJson =
  <Message>(schema: ZodType<Message>) =>
  (text: string): Message => {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'message'}: ${message}`,
    );
    throw new Error(issues.join('; '));
  };

/** What a text is as JSON; a text that says so when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'not JSON';
  }
}
