import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type QueueSettings, queueSettings } from '../../config/slices.js';
import { atEndOfTurn } from '../../lib/end-of-turn.js';
import type { RedisClient } from '../../redis/connections.js';
import { isRedisAway } from '../../redis/redis-errors.js';
import { jsonForLua } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { laneJob, type LaneRequest } from './lane-request.js';
import { LANES, type LanesReply, type LanesState } from './lane-script.js';

/** What nothing waits for is sent together with what comes within this time. */
const NOTE_MS = 10;
/**
 * The same where it changes nothing for others: no organization waits for its turn, and neither a place that was chosen nor a cap or a rate
 * depends on it. Longer than most short executions take, so that beginning and end of one come together.
 */
const LATE_NOTE_MS = 50;
/** Redis serves no other client meanwhile. */
const MOST_AT_ONCE = 128;
/** How long it is believed that nothing waits, in a process that only adds jobs. */
const LOOK_AGAIN_MS = 1_000;

/** An execution that a worker runs, for {@link Lanes.beat}. */
export interface RunningPlace {
  jobId: string;
  lane: LaneRequest;
  ms: number;
}

/** What a worker does with a job that it has taken: goes on, has it held, or leaves it until its turn comes. */
export type TakenReply = 'go' | 'theirs' | 'held' | 'parked';

/** What the worker that leads gets in answer to its beat. */
export interface Leading {
  /** Jobs that a worker may take and that are in no lane. */
  outside: { unprioritized: number; otherwise: number };
  /** There are jobs that lanes must hold, and keys of ours were lost since they were put there, or no worker has looked yet. */
  hasLostLanes: boolean;
  /** Keys of ours were lost since the last beat, or there were none before: also copies of what is set of organizations. */
  hasLostKeys: boolean;
  /** Some of those that wait or run. */
  organizations: ReadonlySet<string>;
}

type Event = [kind: string, ...parts: unknown[]];
interface Pending {
  event: Event;
  resolve?: (reply: unknown) => void;
  reject?: (error: unknown) => void;
}

/**
 * The order in which executions of many organizations are taken, and their caps and rates: docs/fair-order.md. What happens to
 * jobs is reported here, several events in one script (lane-script.ts). While no execution has an organization or a
 * concurrency key, nothing is reported.
 */
@Injectable()
export class Lanes {
  private readonly logger = new Logger(Lanes.name);
  private pending: Pending[] = [];
  private noteTimer: NodeJS.Timeout | null = null;
  /** When what is noted is sent, by performance.now(). */
  private noteAtMs = Infinity;
  private isSending = false;
  private wakeTimer: NodeJS.Timeout | null = null;
  private seenAtMs = 0;
  private state: LanesState = 'idle';
  private keepsTime = false;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @InjectSettings(queueSettings) private readonly settings: QueueSettings,
  ) {}

  get isOn(): boolean {
    return this.settings.isFair;
  }

  /** Whether an execution is left to BullMQ's own order: nothing distinguishes it, and no other organization waits. */
  leavesAlone({ organization, key }: LaneRequest): boolean {
    if (!this.isOn) return true;
    if (organization !== '' || key !== null) return false;
    if (performance.now() - this.seenAtMs > LOOK_AGAIN_MS) {
      this.seenAtMs = performance.now();
      this.note(['look']);
    }
    return !this.isAwake;
  }

  /** Whether organizations wait or run. */
  get isAwake(): boolean {
    return this.state !== 'idle';
  }

  /** Whether some wait for their turn or for room. */
  get isWaitedFor(): boolean {
    return this.state === 'waiting';
  }

  /**
   * Puts a job into its lane, before it is added to the queue. Several of one turn are one command.
   * @returns its priority on the queue; null: it must be held until a place is free
   */
  async submit(jobId: string, lane: LaneRequest): Promise<number | null> {
    const level = (await this.send(['submit', jobId, laneJob(lane)])) as number;
    return level < 0 ? null : level;
  }

  /** Says that what is held was added by now, so that room that it has is not left unused until the next event. */
  look(): void {
    this.note(['look']);
  }

  /**
   * A worker has taken a job and asks whether it may run.
   * @param yields it came past the lanes, and gives way where it is not the turn of its organization
   */
  async take(jobId: string, lane: LaneRequest, owner: string, yields: boolean): Promise<TakenReply> {
    return (await this.send(['taken', jobId, laneJob(lane), owner, yields])) as TakenReply;
  }

  /**
   * The same of a job that nothing limits: it runs, and nothing waits for the answer.
   * @param isApart it came past the lanes, so that nothing but the shares of organizations that wait depends on it
   */
  noteTaken(jobId: string, lane: LaneRequest, owner: string, isApart: boolean): void {
    this.note(['taken', jobId, laneJob(lane), owner, false], isApart);
  }

  /** Its execution has ended, after `ms`. @param isApart as of {@link noteTaken} */
  noteEnded(jobId: string, organization: string, owner: string, ms: number, isApart = false): void {
    this.note(['ended', jobId, organization, owner, Math.round(ms)], isApart);
  }

  /** It comes again, with this priority; null: with the one it has. To be waited for: BullMQ reads the priority of the job. */
  async comesAgain(
    jobId: string,
    run: { organization: string; owner: string; ms: number; level: number | null },
  ): Promise<void> {
    const { organization, owner, ms, level } = run;
    await this.send(['again', jobId, organization, owner, Math.round(ms), level ?? -1]);
  }

  /** Another worker carries it out: the place stays with the execution. To be waited for, as {@link comesAgain}. */
  async isElsewhere(jobId: string, owner: string, level: number | null): Promise<void> {
    await this.send(['elsewhere', jobId, owner, level ?? -1]);
  }

  /** It was taken off the queue before a worker had it. */
  noteRemoved(jobId: string, organization: string): void {
    if (organization === '' && !this.isAwake) return;
    this.note(['removed', jobId, organization]);
  }

  /** Puts jobs that are on the queue into their lanes. @returns how many of them have left their place there */
  async move(jobs: readonly { jobId: string; lane: LaneRequest }[]): Promise<number> {
    const replies = await Promise.all(
      jobs.map(({ jobId, lane }) => this.send(['move', jobId, laneJob(lane)])),
    );
    return replies.filter((reply) => reply === 1).length;
  }

  /** After keys were lost: all that waits is in lanes again. */
  async setWhole(): Promise<void> {
    await this.send(['whole']);
  }

  /** What is set of an organization; null: nothing. */
  async setLimits(organization: string, limits: object | null): Promise<void> {
    await this.send(['limits', organization, limits === null ? '' : JSON.stringify(limits)]);
  }

  /** What a worker says each second. @returns null: another one leads */
  async beat(owner: string, capacity: number, running: readonly RunningPlace[]): Promise<Leading | null> {
    this.keepsTime = true;
    const places = running.map(({ jobId, lane, ms }) => [jobId, laneJob(lane), Math.round(ms)]);
    const reply = (await this.send(['beat', owner, capacity, places])) as [0] | LeadingReply;
    if (reply[0] === 0) return null;
    const [, [unprioritized, otherwise], whole, organizations, known] = reply;
    return {
      outside: { unprioritized, otherwise },
      hasLostLanes: whole === 0,
      hasLostKeys: known === 0,
      organizations: new Set(organizations),
    };
  }

  /** The worker takes nothing more. What was reported has arrived when this resolves. */
  async leave(owner: string): Promise<void> {
    this.keepsTime = false;
    if (this.wakeTimer) clearTimeout(this.wakeTimer);
    await this.send(['bye', owner]);
  }

  /** Keys that the lanes keep begin with this. */
  get base(): string {
    return `${this.settings.bullPrefix}:${this.settings.name}:lanes`;
  }

  private send(event: Event): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.pending.push({ event, resolve, reject });
      if (this.isSending) return;
      this.isSending = true;
      atEndOfTurn(() => this.flush());
    });
  }

  private note(event: Event, isApart = false): void {
    if (!this.isOn) return;
    this.pending.push({ event });
    if (this.pending.length >= MOST_AT_ONCE) {
      this.flush();
      return;
    }
    const inMs = isApart && !this.isWaitedFor ? LATE_NOTE_MS : NOTE_MS;
    const atMs = performance.now() + inMs;
    if (atMs >= this.noteAtMs) return;
    if (this.noteTimer) clearTimeout(this.noteTimer);
    this.noteAtMs = atMs;
    this.noteTimer = setTimeout(() => this.flush(), inMs).unref();
  }

  private flush(): void {
    if (this.noteTimer) clearTimeout(this.noteTimer);
    this.noteTimer = null;
    this.noteAtMs = Infinity;
    this.isSending = false;
    const all = this.pending;
    this.pending = [];
    for (let at = 0; at < all.length; at += MOST_AT_ONCE) void this.run(all.slice(at, at + MOST_AT_ONCE));
  }

  private async run(batch: readonly Pending[]): Promise<void> {
    try {
      const events = jsonForLua(batch.map(({ event }) => event));
      const keys = [this.base, `${this.settings.bullPrefix}:${this.settings.name}:`];
      const [state, wakeMs, replies] = (await LANES.run(this.redis, keys, [events])) as LanesReply;
      this.state = state;
      this.seenAtMs = performance.now();
      this.wakeIn(wakeMs);
      for (const [index, { resolve }] of batch.entries()) resolve?.(replies[index]);
    } catch (error) {
      if (!isRedisAway(error))
        this.logger.warn({
          msg: 'the order of executions could not be kept',
          reason: (error as Error).message,
        });
      for (const { reject } of batch) reject?.(error);
    }
  }

  /** When the rate of an organization lets it start the next, a worker chooses that. */
  private wakeIn(ms: number): void {
    if (this.wakeTimer) clearTimeout(this.wakeTimer);
    this.wakeTimer = null;
    if (ms < 0 || !this.keepsTime) return;
    this.wakeTimer = setTimeout(() => this.note(['look']), Math.max(ms - NOTE_MS, 1)).unref();
  }
}

type LeadingReply = [
  1,
  outside: [unprioritized: number, otherwise: number],
  whole: number,
  organizations: string[],
  known: number,
];
