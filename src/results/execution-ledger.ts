import { Inject, Injectable } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type { AttemptRecord, ExecutionProgress, Outcome } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { attemptRecord } from './attempt-record.js';
import { BEGIN, LET_GO, TAKE_OVER } from './execution-scripts.js';
import { WorkerLease } from './worker-lease.js';

/**
 * What a delivered job means for this worker:
 * - `ours`: nobody has the execution; it is ours now, for this attempt. Where `cancel` is set, it is
 *   ours to end: its code must not be started.
 * - `ended`: it has its result already; at most that must be sent again.
 * - `elsewhere`: a living worker carries it out; look again later.
 * - `exhausted`: its workers died so often that it is not tried again; it is ours to say so.
 */
export type Turn =
  | { kind: 'ours'; attempt: number; generation: number | null; cancel: CancelRequest | null }
  | { kind: 'ended' }
  | { kind: 'elsewhere' }
  | { kind: 'exhausted'; attempt: number; cancel: CancelRequest | null };

/** So many workers may die over one execution before it is given up. */
export const MAX_LOST_WORKERS = 2;

/**
 * Who carries out which execution. BullMQ delivers at least once and knows of locks only; the
 * ledger makes sure that a delivery starts code only when nobody else runs it, counts the attempts,
 * and ends executions that kill their workers.
 */
@Injectable()
export class ExecutionLedger {
  /** Executions that this process has taken and not let go. */
  private readonly held = new Set<string>();

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly lease: WorkerLease,
    @InjectSettings() private readonly settings: Settings,
  ) {}

  /**
   * Takes an execution, if it is there to be taken.
   * @param generation workspace generation of its first attempt; later ones keep to that
   */
  async take(executionId: string, generation: number | null = null): Promise<Turn> {
    const { WORKER_ID, RESULT_TTL_SECONDS } = this.settings;
    const args = [
      this.lease.owner,
      WORKER_ID,
      new Date().toISOString(),
      RESULT_TTL_SECONDS,
      generation ?? '',
    ];
    const reply = (await BEGIN.run(this.redis, this.keysOf(executionId), args)) as BeginReply;
    if (reply[0] === 'ended') return { kind: 'ended' };
    if (reply[0] === 'started') return this.hold(executionId, reply);
    const owner = reply[1];
    return (await this.isAbandoned(executionId, owner))
      ? this.takeOver(executionId, owner)
      : { kind: 'elsewhere' };
  }

  /** Notes the workspace generation that later attempts shall use too. */
  async pin(executionId: string, generation: number): Promise<void> {
    await this.redis.hset(this.keys.ledger(executionId), 'generation', generation);
  }

  /** Notes how far the code says it is, for who asks while it runs. */
  async noteProgress(executionId: string, progress: ExecutionProgress): Promise<void> {
    await this.redis.hset(this.keys.ledger(executionId), 'progress', JSON.stringify(progress));
  }

  /**
   * Gives up an execution without a result. `counted`: whether the attempt stays in its count.
   * `failed`: the attempt that is to be remembered.
   * Returns a request to cancel where there is one: then the execution is still ours, and must end.
   */
  async letGo(
    executionId: string,
    { counted, failed }: { counted: boolean; failed?: { attempt: number; outcome: Outcome } },
  ): Promise<CancelRequest | null> {
    this.held.delete(executionId);
    const record = failed && attemptRecord(failed.attempt, this.settings.WORKER_ID, failed.outcome);
    const args = [this.lease.owner, counted ? '1' : '0', record ? JSON.stringify(record) : ''];
    const [kind, askedAt, reason] = (await LET_GO.run(this.redis, this.keysOf(executionId), args)) as [
      'free' | 'foreign' | 'kept',
      string?,
      string?,
    ];
    if (kind !== 'kept') return null;
    this.held.add(executionId);
    return cancelOf(askedAt, reason);
  }

  /** The attempts that ended without being the last, in their order. */
  async earlierAttempts(executionId: string): Promise<AttemptRecord[]> {
    const records = await this.redis.lrange(this.keys.attempts(executionId), 0, -1);
    // Lua writes no empty lists.
    return records.map((text) => Object.assign({ logs: [] }, JSON.parse(text) as AttemptRecord));
  }

  /** The execution has its result: nothing is left to hold. */
  release(executionId: string): void {
    this.held.delete(executionId);
  }

  private async isAbandoned(executionId: string, owner: string): Promise<boolean> {
    return owner === this.lease.owner ? !this.held.has(executionId) : this.lease.isDead(owner);
  }

  private async takeOver(executionId: string, from: string): Promise<Turn> {
    const newlyLost = from === this.lease.owner ? '0' : '1';
    const args = [from, this.lease.owner, this.settings.WORKER_ID, new Date().toISOString(), newlyLost];
    const reply = (await TAKE_OVER.run(this.redis, this.keysOf(executionId), args)) as BeginReply;
    if (reply[0] === 'ended') return { kind: 'ended' };
    if (reply[0] === 'owned') return { kind: 'elsewhere' };
    const [, attempt, lost, , askedAt, reason] = reply;
    if (lost < MAX_LOST_WORKERS) return this.hold(executionId, reply);
    this.held.add(executionId);
    return { kind: 'exhausted', attempt: attempt - 1, cancel: cancelOf(askedAt, reason) };
  }

  private hold(executionId: string, [, attempt, , generation, askedAt, reason]: StartedReply): Turn {
    this.held.add(executionId);
    return {
      kind: 'ours',
      attempt,
      generation: generation === null ? null : Number(generation),
      cancel: cancelOf(askedAt, reason),
    };
  }

  private keysOf(executionId: string): string[] {
    return [this.keys.result(executionId), this.keys.ledger(executionId), this.keys.attempts(executionId)];
  }
}

type StartedReply = ['started', number, number, string | null, string | null, string | null];
type BeginReply = ['ended'] | ['owned', string] | StartedReply;

const cancelOf = (askedAt?: string | null, reason?: string | null): CancelRequest | null =>
  askedAt ? { askedAt, reason: reason || null } : null;
