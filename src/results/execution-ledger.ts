import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import type { AttemptRecord, ExecutionProgress, ExecutionResult } from '../contract/result.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import type { Soon } from '../lib/soon.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import {
  type DeliveryMark,
  fieldOf,
  judgeRepeat,
  markText,
  parseMark,
  relationOf,
} from './delivery-identity.js';
import {
  BEGIN,
  type BeginReply,
  type EndedReply,
  FREE,
  MARK_DELIVERY,
  REOPEN,
  type StartedReply,
  TAKE_OVER,
} from './execution-scripts.js';
import { MAX_LOST_WORKERS } from './start-history.js';
import type { DeliveryClaim, Freeing, OurTurn, OwnTurn, Turn } from './turn.js';
import { WorkerLease } from './worker-lease.js';
import { isoTime } from '../lib/text/iso-time.js';

/**
 * Which worker carries out which execution. BullMQ delivers at least once and knows of locks only; the
 * ledger makes sure that a delivery starts code only when no other worker runs it, counts the attempts,
 * ends executions that kill their workers, and knows which runs an execution had.
 */
@Injectable()
export class ExecutionLedger {
  private readonly logger = new Logger(ExecutionLedger.name);
  /** Executions that this process has taken and not freed. */
  private readonly held = new Set<string>();
  /** Executions that this process may have started and that Redis does not know to be free. */
  private readonly begun = new Set<string>();
  /** Executions of ours whose code a runner was given. */
  private readonly given = new Set<string>();

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly lease: WorkerLease,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /**
   * Takes an execution, if it is there to be taken.
   * @param generation workspace generation of the first attempt of a run; later ones keep to that
   * @param first what {@link BEGIN} has answered already, where it was run with others
   */
  take(executionId: string, generation: number | null, claim: DeliveryClaim, first?: BeginReply): Soon<Turn> {
    if (first?.[0] === 'started') return this.hold(executionId, first);
    return this.decide(executionId, generation, claim, first);
  }

  private async decide(
    executionId: string,
    generation: number | null,
    claim: DeliveryClaim,
    first: BeginReply | undefined,
  ): Promise<Turn> {
    for (let answer = first; ; answer = undefined) {
      const ours = this.claimant(generation);
      const reply = answer ?? (await this.begin(executionId, [...ours, fieldOf(claim.mark)]));
      if (reply[0] === 'started') return this.hold(executionId, reply);
      if (reply[0] === 'owned') {
        const [, owner] = reply;
        return (await this.isAbandoned(executionId, owner))
          ? this.takeOver(executionId, owner)
          : { kind: 'elsewhere' };
      }
      const turn = await this.meetEnded(executionId, reply, claim, ours);
      if (turn) return turn;
    }
  }

  /** This incarnation of this worker, by which it owns executions. */
  get owner(): string {
    return this.lease.owner;
  }

  /** A script of this worker has taken it ahead of its delivery: until that comes, no other one takes it over. */
  noteStarted(executionId: string): void {
    this.held.add(executionId);
  }

  private async begin(executionId: string, args: (string | number)[]): Promise<BeginReply> {
    return (await BEGIN.run(this.redis, this.keysOf(executionId), args)) as BeginReply;
  }

  /** This worker as it takes an execution, for the scripts: owner, worker, now, ttl, generation or ''. */
  claimant(generation: number | null): (string | number)[] {
    const { workerId, unfinishedTtlSeconds: ttlSeconds } = this.settings;
    return [this.owner, workerId, isoTime(Date.now()), ttlSeconds, generation ?? ''];
  }

  /** null: it changed meanwhile, look again. */
  private async meetEnded(
    executionId: string,
    [, document, run, mark, marks]: EndedReply,
    { mark: now, again }: DeliveryClaim,
    ours: (string | number)[],
  ): Promise<Turn | null> {
    const result = document === '' ? null : (JSON.parse(document) as ExecutionResult);
    const relation = relationOf(parseMark(now.jobId, mark), now, marks !== null);
    const repeat = judgeRepeat(relation, { again, result });
    if (result === null || repeat.kind !== 'further run') {
      if (!(await this.markDelivery(executionId, now, run))) return null;
      return { kind: 'ended', repeat: repeat.kind === 'redelivered' ? 'redelivered' : 'standing', result };
    }
    // The archive distinguishes the runs of an execution by the moment of their end.
    if (Date.parse(result.finished_at) >= Date.now()) await sleep(SAME_MOMENT_MS);
    const keys = [...this.keysOf(executionId), this.keys.formerResult(executionId, Number(run))];
    const reply = (await REOPEN.run(this.redis, keys, [
      run,
      ...ours,
      fieldOf(now),
      mark ?? '',
      markText(now),
    ])) as ['changed'] | ['unsent'] | StartedReply;
    if (reply[0] === 'changed') return null;
    if (reply[0] === 'unsent') return { kind: 'unsent' };
    // It ends with the end of the former run, and takes nothing after that.
    await this.redis.del(this.keys.logs(executionId));
    emitMeasurement('run-again', { because: repeat.because });
    this.logger.log({
      msg: 'execution runs again',
      executionId,
      run: Number(run) + 1,
      because: repeat.because,
    });
    return { ...this.hold(executionId, reply), because: repeat.because };
  }

  /** Remembers that a delivery ends with the result that stands: see delivery-identity.ts. False: a later run has begun. */
  private async markDelivery(executionId: string, mark: DeliveryMark, run: string): Promise<boolean> {
    const args = [fieldOf(mark), markText(mark), this.settings.ttlSeconds, run];
    return (await MARK_DELIVERY.run(this.redis, [this.keys.ledger(executionId)], args)) === 1;
  }

  /** Notes the workspace generation that later attempts must use too. */
  async pin(executionId: string, generation: number): Promise<void> {
    await this.redis.hset(this.keys.ledger(executionId), 'generation', generation);
  }

  /** Notes how far the code says it is, for clients that ask while it runs. */
  async noteProgress(executionId: string, progress: ExecutionProgress): Promise<void> {
    await this.redis.hset(this.keys.ledger(executionId), 'progress', JSON.stringify(progress));
  }

  /** A runner is given its code now. What was counted as a start when it was taken has become one. */
  noteGiven(executionId: string): void {
    this.given.add(executionId);
  }

  /** The start that was counted for this turn and whose code no runner was given; null: there is none. */
  unusedStart(executionId: string, turn: OurTurn): number | null {
    const isCounted = turn.kind === 'ours' && turn.cancel === null;
    return isCounted && !this.given.has(executionId) ? turn.starts : null;
  }

  /**
   * Gives up a run of an execution without a result. `counted`: whether the attempt stays in its count.
   * `failed`: the attempt that is to be remembered. `pauseMs`: for how long it is not to be taken.
   * Returns a request to cancel where there is one: then the execution is still ours, and must end.
   */
  async free(
    executionId: string,
    { run, counted, failed, pauseMs = 0 }: Freeing,
  ): Promise<CancelRequest | null> {
    this.held.delete(executionId);
    const args = [
      this.owner,
      counted ? '1' : '0',
      failed ? JSON.stringify(failed.record) : '',
      run ?? '',
      Date.now(),
      pauseMs,
      ...(failed ? [fieldOf(failed.mark), markText(failed.mark, { attemptOnly: true })] : ['', '']),
      this.given.has(executionId) ? (counted ? 'failed' : 'handed_back') : '',
      new Date().toISOString(),
    ];
    const [kind, askedAt, reason] = (await FREE.run(this.redis, this.keysOf(executionId), args)) as [
      'free' | 'foreign' | 'kept',
      string?,
      string?,
    ];
    if (kind !== 'kept') {
      this.begun.delete(executionId);
      this.given.delete(executionId);
      return null;
    }
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
    this.begun.delete(executionId);
    this.given.delete(executionId);
  }

  private async isAbandoned(executionId: string, owner: string): Promise<boolean> {
    return owner === this.owner ? !this.held.has(executionId) : this.lease.isDead(owner);
  }

  private async takeOver(executionId: string, from: string): Promise<Turn> {
    const newlyLost = from === this.owner ? '0' : '1';
    // Ours, and not begun: the answer to our own request was lost with its connection.
    const counted = from === this.owner && !this.begun.has(executionId) ? '0' : '1';
    const args = [from, this.owner, this.settings.workerId, new Date().toISOString(), newlyLost, counted];
    const reply = (await TAKE_OVER.run(this.redis, this.keysOf(executionId), args)) as
      | ['ended']
      | ['owned', string]
      | StartedReply;
    // What happened meanwhile is looked at when it comes again.
    if (reply[0] !== 'started') return { kind: 'elsewhere' };
    const [, attempt, lost, , askedAt, reason, run, , , starts] = reply;
    if (lost < MAX_LOST_WORKERS) return this.hold(executionId, reply);
    this.held.add(executionId);
    return {
      kind: 'exhausted',
      run: Number(run),
      attempt: attempt - 1,
      starts,
      cancel: cancelOf(askedAt, reason),
    };
  }

  private hold(executionId: string, reply: StartedReply): OwnTurn {
    const [, attempt, , generation, askedAt, reason, run, freedAt, pause, starts] = reply;
    this.held.add(executionId);
    this.begun.add(executionId);
    this.given.delete(executionId);
    return {
      kind: 'ours',
      run: Number(run),
      attempt,
      starts,
      generation: generation === null ? null : Number(generation),
      cancel: cancelOf(askedAt, reason),
      freed: freedAt === null ? null : { atMs: Number(freedAt), pauseMs: Number(pause ?? 0) },
    };
  }

  private keysOf(executionId: string): string[] {
    return [this.keys.result(executionId), this.keys.ledger(executionId), this.keys.attempts(executionId)];
  }
}

/** Later than a result that ended in this very millisecond. */
const SAME_MOMENT_MS = 2;

const cancelOf = (askedAt?: string | null, reason?: string | null): CancelRequest | null =>
  askedAt ? { askedAt, reason: reason || null } : null;
