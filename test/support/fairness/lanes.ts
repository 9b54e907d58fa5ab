import { randomUUID } from 'node:crypto';
import { type Job, Queue, Worker } from 'bullmq';
import { queueSettings } from '../../../src/config/slices.js';
import { DirectJobs } from '../../../src/queue/fairness/direct-jobs.js';
import { laneJob, type LaneRequest, NO_LANE } from '../../../src/queue/fairness/lane-request.js';
import {
  Lanes,
  type Leading,
  type RunningPlace,
  type TakenReply,
} from '../../../src/queue/fairness/lanes.js';
import { Queueing } from '../../../src/queue/queueing.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { settingsOf } from '../parts.js';
import type { TestRedis } from '../servers/test-redis.js';

/** A job that a worker of the world has taken. */
export interface TakenJob {
  job: Job;
  lane: LaneRequest;
  reply: TakenReply;
}

export const aLane = (organization: string, changes: Partial<LaneRequest> = {}): LaneRequest => ({
  ...NO_LANE,
  organization,
  ...changes,
});

/** A queue with lanes, and workers that take and end jobs when a test says so. Time is what the test says it is. */
export class LaneWorld {
  readonly queue: Queue;
  readonly lanes: Lanes;
  readonly queueing: Queueing;
  readonly direct: DirectJobs;
  readonly client: RedisClient;
  private readonly worker: Worker;
  private readonly requests = new Map<string, LaneRequest>();
  private readonly running = new Map<string, TakenJob>();

  constructor(redis: TestRedis) {
    this.client = redis.connect();
    const settings = queueSettings.of(settingsOf({ QUEUE_NAME: `q-${randomUUID()}` }));
    this.queue = new Queue(settings.name, { connection: this.client });
    this.lanes = new Lanes(this.client, settings);
    this.queueing = new Queueing(this.queue, this.lanes);
    this.direct = new DirectJobs(this.queue, this.client, new RedisKeys(''), this.lanes);
    this.worker = new Worker(settings.name, null, { connection: this.client, autorun: false });
    this.worker.on('error', () => undefined);
    redis.onDispose(async () => {
      await this.worker.close();
      await this.queue.close();
    });
  }

  /** Adds one as the API does. */
  async submit(
    organization: string,
    changes: Partial<LaneRequest> = {},
    jobId = randomUUID(),
  ): Promise<string> {
    const lane = aLane(organization, changes);
    this.requests.set(jobId, lane);
    const context = JSON.stringify({ organization: { id: organization }, workflow_code: '1' });
    await this.client.set(`bifrost:exec:${jobId}:context`, context);
    await this.queueing.add({ name: 'execute', data: { execution_id: jobId }, lane }, { jobId });
    return jobId;
  }

  async submitMany(
    count: number,
    organization: string,
    changes: Partial<LaneRequest> = {},
  ): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.submit(organization, changes)));
  }

  /** Adds one as a producer of its own does. */
  async addDirectly(organization: string, options: object = {}, jobId = randomUUID()): Promise<string> {
    this.requests.set(jobId, aLane(organization));
    const context = JSON.stringify({ organization: { id: organization }, workflow_code: '1' });
    await this.client.set(`bifrost:exec:${jobId}:context`, context);
    await this.queue.add('execute', { execution_id: jobId }, { jobId, ...options });
    return jobId;
  }

  /** What the next free place of a worker is given; null: there is nothing to be taken. */
  async take(owner = 'w1'): Promise<TakenJob | null> {
    const job = (await this.worker.getNextJob(randomUUID(), { block: false })) as Job | undefined;
    if (!job) return null;
    const lane = this.requests.get(job.id!) as LaneRequest;
    const reply = await this.lanes.take(job.id!, lane, owner, true);
    const taken = { job, lane, reply };
    if (reply === 'go') this.running.set(job.id!, taken);
    if (reply === 'held') await job.moveToDelayed(Date.UTC(2038, 0, 1), job.token);
    if (reply === 'parked') await job.moveToWait(job.token);
    return taken;
  }

  /** Takes until one may run. */
  async takeOne(owner = 'w1'): Promise<TakenJob | null> {
    for (let tries = 0; tries < 50; tries++) {
      const taken = await this.take(owner);
      if (taken === null || taken.reply === 'go') return taken;
    }
    return null;
  }

  /** It ran for this long. */
  async end({ job, lane }: TakenJob, ms = 100, owner = 'w1'): Promise<void> {
    this.running.delete(job.id!);
    this.lanes.noteEnded(job.id!, lane.organization, owner, ms);
    await this.settle();
    await job.moveToCompleted(null, job.token!, false);
  }

  /** What was noted has arrived. */
  async settle(): Promise<void> {
    await this.lanes.setLimits('nobody', null);
  }

  beat(capacity: number, owner = 'w1', running = this.runningPlaces()): Promise<Leading | null> {
    return this.lanes.beat(owner, capacity, running);
  }

  runningPlaces(): RunningPlace[] {
    return [...this.running.values()].map(({ job, lane }) => ({ jobId: job.id!, lane, ms: 0 }));
  }

  /** Names of keys of the lanes, without what is set of organizations and what says which workers there are. */
  async keys(): Promise<string[]> {
    const all = await this.client.keys(`${this.lanes.base}:*`);
    const names = all.map((key) => key.slice(this.lanes.base.length + 1));
    return names
      .filter((name) => !['limits', 'workers', 'capacity', 'leader', 'whole'].includes(name))
      .toSorted();
  }

  placeCount(): Promise<number> {
    return this.client.hlen(`${this.lanes.base}:places`);
  }

  /** What a script is given for this lane. */
  readonly asEvent = laneJob;
}
