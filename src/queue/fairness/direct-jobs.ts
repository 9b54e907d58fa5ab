import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { RedisClient } from '../../redis/connections.js';
import { GatheredScript } from '../../redis/gathered-script.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { parseJob } from '../parse-job.js';
import { WORK_QUEUE } from '../queue-tokens.js';
import { CHOSEN_SCORES, HELD_SCORE, isOurs, LEVEL, PARKED_SCORES, PRODUCER } from './lane-levels.js';
import { type LaneRequest, laneRequestIn, NO_LANE } from './lane-request.js';
import { Lanes, type Leading } from './lanes.js';

/** Jobs that are looked at to see whose they are, at either end of what waits. */
const SAMPLE = 25;
const AT_ONCE = 100;
/** Of each second, in milliseconds. */
const BUDGET_MS = 500;
/** Context of which is read whose it is; a job with a larger one keeps its place on the queue. */
const MAX_CONTEXT_BYTES = 1_048_576;
/** A job as BullMQ keeps it, as far as it is read. */
const MAX_DATA_BYTES = 1_048_576;

/** KEYS job; ARGV limit in bytes -> its data, priority and schedule; data is nil of one that is gone, or too large */
const READ_JOB = new GatheredScript(
  `
if redis.call('HSTRLEN', KEYS[1], 'data') > tonumber(ARGV[1]) then return {false} end
return redis.call('HMGET', KEYS[1], 'data', 'priority', 'rjk')
`,
  { keys: 1, args: 1 },
);

/** KEYS context; ARGV limit in bytes -> {1, its text, or nil, also where it is none} | {0}: it is too large */
const READ_CONTEXT = new GatheredScript(
  `
local size = redis.pcall('STRLEN', KEYS[1])
if type(size) ~= 'number' then return {1, false} end
if size > tonumber(ARGV[1]) then return {0} end
return {1, redis.call('GET', KEYS[1])}
`,
  { keys: 1, args: 1 },
);

type Scores = readonly [from: number, to: number];
/** Scores of jobs that have a priority which is none of ours. */
const OTHERWISE: readonly Scores[] = [
  [0, CHOSEN_SCORES[0] - 1],
  [CHOSEN_SCORES[1] + 1, PARKED_SCORES[0] - 1],
  [PARKED_SCORES[1] + 1, (PRODUCER + 1) * LEVEL],
];

interface FoundJob {
  jobId: string;
  lane: LaneRequest;
}

/**
 * Puts jobs into their lanes that came past them: those of producers of their own, ticks of their schedules, flows,
 * retries. BullMQ takes them before or after all lanes. As long as all that wait are of one organization they are left
 * where they are. One worker does it, for at most half of each second.
 */
@Injectable()
export class DirectJobs {
  private readonly logger = new Logger(DirectJobs.name);
  private isMoving = false;

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly lanes: Lanes,
  ) {}

  /** Moves what there is. Never rejects; does nothing while an earlier call is under way. */
  async move(leading: Leading): Promise<void> {
    if (this.isMoving) return;
    this.isMoving = true;
    try {
      await this.rebuild(leading);
      const untilMs = performance.now() + BUDGET_MS;
      const { unprioritized, otherwise } = leading.outside;
      if (unprioritized + otherwise === 0 || !(await this.areSeveral(leading))) return;
      let moved = await this.moveAll((skip) => this.oldest(skip), untilMs);
      for (const scores of OTHERWISE)
        moved += await this.moveAll((skip) => this.byScore(scores, skip), untilMs);
      if (moved > 0) this.logger.debug({ msg: 'jobs were put into their lanes', moved });
    } catch (error) {
      this.logger.debug(`jobs could not be put into their lanes: ${(error as Error).message}`);
    } finally {
      this.isMoving = false;
    }
  }

  /**
   * All that lanes must hold is put into them: after our keys were lost, and where jobs came before the first worker. By
   * another worker where this one dies.
   */
  private async rebuild({ hasLostLanes }: Leading): Promise<void> {
    if (!hasLostLanes) return;
    this.logger.log('lanes of organizations are made from the jobs that wait');
    const isParked = (score: number): boolean => score >= PARKED_SCORES[0] && score <= PARKED_SCORES[1];
    await this.moveScanned('prioritized', isParked);
    await this.moveScanned('delayed', (score) => score >= HELD_SCORE);
    await this.lanes.setWhole();
  }

  /** A scan, since a job may get its turn, and leave its place, while others are still moved. */
  private async moveScanned(
    name: 'prioritized' | 'delayed',
    isMeant: (score: number) => boolean,
  ): Promise<void> {
    const key = this.queue.toKey(name);
    let cursor = '0';
    do {
      const [next, found] = await this.redis.zscan(key, cursor, 'COUNT', AT_ONCE);
      const ids = found.filter((_, at) => at % 2 === 0 && isMeant(Number(found[at + 1])));
      await this.lanes.move(await this.read(ids));
      cursor = next;
    } while (cursor !== '0');
  }

  /** Whether more than one organization waits or runs, as far as a look at both ends shows. */
  private async areSeveral({ organizations, outside }: Leading): Promise<boolean> {
    if (organizations.size > 1) return true;
    const ids =
      outside.unprioritized > 0
        ? await this.bothEnds()
        : (await Promise.all(OTHERWISE.map((scores) => this.byScore(scores, 0)))).flat();
    const found = await this.read(ids);
    return new Set([...organizations, ...found.map(({ lane }) => lane.organization)]).size > 1;
  }

  private async moveAll(next: (skip: number) => Promise<string[]>, untilMs: number): Promise<number> {
    let moved = 0;
    let skip = 0;
    while (performance.now() < untilMs) {
      const ids = await next(skip);
      if (ids.length === 0) break;
      const gone = await this.lanes.move(await this.read(ids));
      moved += gone;
      // What stays, such as a job that its worker has lost, is not looked at again.
      skip += ids.length - gone;
    }
    return moved;
  }

  private async bothEnds(): Promise<string[]> {
    const wait = this.queue.toKey('wait');
    const [newest, oldest] = await Promise.all([
      this.redis.lrange(wait, 0, SAMPLE - 1),
      this.redis.lrange(wait, -SAMPLE, -1),
    ]);
    return [...new Set([...newest, ...oldest])];
  }

  private async oldest(skip: number): Promise<string[]> {
    const ids = await this.redis.lrange(this.queue.toKey('wait'), -AT_ONCE - skip, -1 - skip);
    return ids.toReversed();
  }

  private byScore([from, to]: Scores, skip: number): Promise<string[]> {
    return this.redis.zrangebyscore(this.queue.toKey('prioritized'), from, to, 'LIMIT', skip, AT_ONCE);
  }

  private async read(ids: readonly string[]): Promise<FoundJob[]> {
    const found = await Promise.all(ids.map((jobId) => this.readJob(jobId)));
    return found.filter((one) => one !== null);
  }

  /** null: it is gone, or too large to be read here. */
  private async readJob(jobId: string): Promise<FoundJob | null> {
    const [data, level, rjk] = (await READ_JOB.run(
      this.redis,
      [this.queue.toKey(jobId)],
      [MAX_DATA_BYTES],
    )) as (string | null)[];
    if (data == null) return null;
    const own = Number(level ?? 0);
    const priority = isOurs(own) || own === PRODUCER ? 0 : own;
    const request = parseJob({ id: jobId, data: parsed(data), repeatJobKey: rjk ?? undefined });
    if (!('contextId' in request)) return { jobId, lane: { ...NO_LANE, priority } };
    const key = this.keys.context(request.contextId);
    const [isSmall, context] = (await READ_CONTEXT.run(this.redis, [key], [MAX_CONTEXT_BYTES])) as [
      0 | 1,
      string | null,
    ];
    return isSmall === 0 ? null : { jobId, lane: laneRequestIn(context, priority) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
