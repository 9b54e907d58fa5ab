import type { Command } from 'ioredis';
import type { RedisClient } from '../../../src/redis/connections.js';

/** When a process dies, in commands that it sends to Redis once it is {@link Mortality.arm armed}. */
export interface DeathPlan {
  /** The command that it dies over, from 1 on. */
  at: number;
  /** Redis has done it, and the process never hears of that; or it was never sent. */
  after: boolean;
}

/**
 * Ends a part of this process as if it were a process that is killed between two commands to Redis: of the one over
 * which it dies no answer comes, nor of anything that it asks for from then on.
 */
export class Mortality {
  isDead = false;
  /** Names of the commands that it sent while it was armed. */
  readonly sent: string[] = [];
  private armed = false;
  private readonly died = Promise.withResolvers<void>();

  /** @param plan null: it lives */
  constructor(private readonly plan: DeathPlan | null) {}

  /** Resolves when it is dead. */
  get whenDead(): Promise<void> {
    return this.died.promise;
  }

  /** Commands count from now on. */
  arm(): void {
    this.armed = true;
  }

  /** What it left in this process may say goodbye to Redis. */
  bury(): void {
    this.disarm();
    this.isDead = false;
  }

  /** Commands no longer count. */
  disarm(): void {
    this.armed = false;
  }

  /** Has the connection and its duplicates end with it. */
  holds(client: RedisClient): RedisClient {
    const target = client as unknown as {
      sendCommand(command: Command, ...rest: unknown[]): unknown;
      duplicate(...args: unknown[]): RedisClient;
    };
    const send = target.sendCommand.bind(target);
    const duplicate = target.duplicate.bind(target);
    target.duplicate = (...args) => this.holds(duplicate(...args));
    target.sendCommand = (command, ...rest) => {
      if (this.isDead) return NEVER;
      if (!this.armed) return send(command, ...rest);
      this.sent.push(command.name);
      if (this.sent.length !== this.plan?.at) return send(command, ...rest);
      this.isDead = true;
      if (!this.plan.after) {
        this.died.resolve();
        return NEVER;
      }
      void Promise.resolve(send(command, ...rest) as Promise<unknown>).then(
        () => this.died.resolve(),
        () => this.died.resolve(),
      );
      return NEVER;
    };
    return client;
  }
}

const NEVER = new Promise<never>(() => undefined);
