import { randomUUID } from 'node:crypto';
import type { Band } from '../../../src/contract/jobs/band.js';
import { randomOf } from '../../../src/faults/seeded-random.js';
import { LEVEL, PARKED_SCORES } from '../../../src/queue/fairness/lane-levels.js';
import { DEFAULT_BAND, type LaneJob, laneJob, NO_LANE } from '../../../src/queue/fairness/lane-request.js';
import { LANES } from '../../../src/queue/fairness/lane-script.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { jsonForLua } from '../../../src/redis/lua-script.js';

/** An organization that always has something waiting. */
export interface BusyOrganization {
  name: string;
  weight: number;
  /** How long its executions take, in ms. */
  ms: number;
}

export interface SharePlan {
  workers: number;
  slots: number;
  organizations: readonly BusyOrganization[];
  /** What is measured, from when all begin together. */
  forMs: number;
  /** Executions differ in length by up to this part of it, in both directions. */
  jitter?: number;
  /** From the end of an execution until its slot takes the next. */
  gapMs?: number;
  seed?: number;
  band?: Band;
  /** After how long what a worker has noted reaches the lanes. */
  noteMs?: number;
}

export interface ShareOutcome {
  /** By how much each organization is off its share of slot time: 0.05 is 5 % too much. */
  off: number[];
  executions: number;
  /** Taken while nothing was chosen. */
  unchosen: number;
}

interface Running {
  id: string;
  organization: string;
  sinceMs: number;
  untilMs: number;
}

/** Jobs that an organization has waiting, at least: more than are chosen ahead of one. */
const BACKLOG = 250;
const BEAT_MS = 1_000;
type Event = unknown[];

class SimulatedWorker {
  readonly running = new Set<Running>();
  notes: Event[] = [];
  /** When its notes are sent; Infinity: it has none. */
  flushAtMs = Infinity;

  constructor(
    readonly name: string,
    public beatAtMs: number,
    /** When its slots that are free take the next. */
    readonly freeAtMs: number[],
  ) {}

  firstToEnd(): Running | null {
    let first: Running | null = null;
    for (const one of this.running) if (first === null || one.untilMs < first.untilMs) first = one;
    return first;
  }
}

/**
 * Workers that take and end executions by a clock of their own against the script of the lanes: a minute of theirs passes
 * in a few seconds, and every run of it is the same. Of BullMQ it has the sorted set that the script changes.
 */
export class ShareSimulation {
  private readonly random: () => number;
  private readonly queue = `sim:${randomUUID()}:`;
  private readonly keys = [`${this.queue}lanes`, this.queue];
  private readonly lengths: ReadonlyMap<string, number>;
  private readonly waiting = new Map<string, number>();
  private readonly used = new Map<string, number>();
  private readonly workers: readonly SimulatedWorker[];
  /** Commands whose answer nothing depends on. */
  private readonly sent: Promise<unknown>[] = [];
  private now = 0;
  private added = 0;
  private executions = 0;
  private unchosen = 0;

  constructor(
    private readonly redis: RedisClient,
    private readonly plan: SharePlan,
  ) {
    this.random = randomOf(plan.seed ?? 1);
    this.lengths = new Map(plan.organizations.map(({ name, ms }) => [name, ms]));
    this.workers = Array.from(
      { length: plan.workers },
      (_, n) =>
        new SimulatedWorker(
          `w${n}`,
          (n * BEAT_MS) / plan.workers,
          Array.from({ length: plan.slots }, () => this.random()),
        ),
    );
  }

  async run(): Promise<ShareOutcome> {
    const { organizations, forMs, slots } = this.plan;
    await this.send(organizations.map(({ name, weight }) => ['limits', name, JSON.stringify({ weight })]));
    await this.send(this.workers.map(({ name }) => ['beat', name, slots, []]));
    for (const { name } of organizations) await this.submit(name);
    while (this.now < forMs) await this.step();
    await Promise.all(this.sent);
    for (const { running } of this.workers) for (const one of running) this.count(one);
    return { off: this.off(), executions: this.executions, unchosen: this.unchosen };
  }

  /** Does what comes next. */
  private async step(): Promise<void> {
    let next = { atMs: Infinity, act: (): Promise<void> | void => undefined };
    const offer = (atMs: number, act: () => Promise<void> | void): void => {
      if (atMs < next.atMs) next = { atMs, act };
    };
    for (const worker of this.workers) {
      const ending = worker.firstToEnd();
      offer(worker.flushAtMs, () => this.flush(worker));
      offer(worker.beatAtMs, () => this.beat(worker));
      if (ending) offer(ending.untilMs, () => this.end(worker, ending));
      offer(Math.min(...worker.freeAtMs), () => this.take(worker));
    }
    this.now = next.atMs;
    await next.act();
  }

  private async take(worker: SimulatedWorker): Promise<void> {
    worker.freeAtMs.splice(worker.freeAtMs.indexOf(this.now), 1);
    const [id, score] = await this.redis.zpopmin(`${this.queue}prioritized`);
    if (id === undefined) throw new Error('nothing waits, though every organization has more than is taken');
    if (Number(score) >= PARKED_SCORES[0]) this.unchosen += 1;
    this.executions += 1;
    const organization = id.slice(0, id.lastIndexOf(':'));
    const { jitter = 0 } = this.plan;
    const ms = this.lengths.get(organization)! * (1 + jitter * (2 * this.random() - 1));
    worker.running.add({ id, organization, sinceMs: this.now, untilMs: this.now + ms });
    this.note(worker, ['taken', id, this.laneOf(organization), worker.name, false]);
    const left = this.waiting.get(organization)! - 1;
    this.waiting.set(organization, left);
    if (left < BACKLOG) await this.submit(organization);
  }

  private end(worker: SimulatedWorker, ended: Running): void {
    const { id, organization, sinceMs, untilMs } = ended;
    worker.running.delete(ended);
    worker.freeAtMs.push(this.now + (this.plan.gapMs ?? 1));
    this.count(ended);
    this.note(worker, ['ended', id, organization, worker.name, Math.round(untilMs - sinceMs)]);
    this.sent.push(this.redis.unlink(this.queue + id));
  }

  private flush(worker: SimulatedWorker): void {
    this.sent.push(this.send(worker.notes));
    worker.notes = [];
    worker.flushAtMs = Infinity;
  }

  private beat(worker: SimulatedWorker): void {
    worker.beatAtMs += BEAT_MS;
    const running = [...worker.running].map(({ id, organization, sinceMs }) => [
      id,
      this.laneOf(organization),
      Math.round(this.now - sinceMs),
    ]);
    this.sent.push(this.send([['beat', worker.name, this.plan.slots, running]]));
  }

  private note(worker: SimulatedWorker, event: Event): void {
    worker.notes.push(event);
    worker.flushAtMs = Math.min(worker.flushAtMs, this.now + (this.plan.noteMs ?? 10));
  }

  private async submit(organization: string): Promise<void> {
    const ids = Array.from({ length: BACKLOG }, () => `${organization}:${++this.added}`);
    const levels = (await this.send(ids.map((id) => ['submit', id, this.laneOf(organization)]))) as number[];
    const write = this.redis.pipeline();
    for (const [index, id] of ids.entries()) {
      write.hset(this.queue + id, 'name', 'execute');
      write.zadd(`${this.queue}prioritized`, levels[index]! * LEVEL + ++this.added, id);
    }
    await write.exec();
    this.waiting.set(organization, (this.waiting.get(organization) ?? 0) + BACKLOG);
  }

  private async send(events: readonly Event[]): Promise<unknown[]> {
    const [, , replies] = (await LANES.run(this.redis, this.keys, [jsonForLua(events)])) as unknown[];
    return replies as unknown[];
  }

  private laneOf(organization: string): LaneJob {
    return laneJob({ ...NO_LANE, organization, band: this.plan.band ?? DEFAULT_BAND });
  }

  private count({ organization, sinceMs, untilMs }: Running): void {
    const ms = Math.min(untilMs, this.plan.forMs) - sinceMs;
    this.used.set(organization, (this.used.get(organization) ?? 0) + ms);
  }

  private off(): number[] {
    const all = [...this.used.values()].reduce((sum, ms) => sum + ms);
    const weights = this.plan.organizations.reduce((sum, { weight }) => sum + weight, 0);
    return this.plan.organizations.map(
      ({ name, weight }) => ((this.used.get(name) ?? 0) / all) * (weights / weight) - 1,
    );
  }
}
