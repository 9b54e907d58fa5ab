import { Inject, Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { Waiting } from '../../contract/waiting.js';
import type { WorkerRecord } from '../../contract/worker-record.js';
import { WorkerRegistry } from '../../heartbeat/worker-registry.js';
import { ContextSubjects } from '../../queue/context-subjects.js';
import { type LaneFacts, type LaneQuestion, LaneViews } from '../../queue/fairness/lane-views.js';
import { JobPlaces } from '../../queue/job-places.js';
import { parseJob } from '../../queue/parse-job.js';
import type { ListedJob, QueuePlace } from '../../queue/queue-pages.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { LEASE_RENEW_MS, LEASE_TTL_MS } from '../../results/worker-lease.js';
import { explainWaiting } from './explain-waiting.js';

/** What is left of the lease of a worker that was silent for two renewals. */
const SILENT_TTL_MS = LEASE_TTL_MS - 2 * LEASE_RENEW_MS;

/** Explains why a listed job waits; `lane`: what the lanes know of it. */
export type ExplainListed = (job: ListedJob, place: QueuePlace, lane: LaneFacts | null) => Waiting;

/** Finds out why an execution waits, from what BullMQ and the workers know. */
@Injectable()
export class WaitingService {
  constructor(
    private readonly places: JobPlaces,
    private readonly registry: WorkerRegistry,
    private readonly subjects: ContextSubjects,
    private readonly lanes: LaneViews,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** null: there is a context, but no job. */
  async explain(job: Job | null): Promise<Waiting> {
    const [place, workers, lane] = await Promise.all([
      this.places.find(job?.id ?? null),
      this.liveWorkers(),
      job && this.laneOf(job),
    ]);
    const waiting = job && {
      addedAtMs: job.timestamp,
      scheduled: (job.opts.delay ?? 0) > 0,
      retried: job.attemptsMade > 0,
    };
    return explainWaiting(waiting, place, workers, Date.now(), lane);
  }

  /** null: it is a task in no lane, or the order of executions is not ours. */
  private async laneOf(job: Job): Promise<LaneFacts | null> {
    const request = parseJob(job);
    const contexts = ['contextId' in request ? request.contextId : null];
    const [subject] = await this.subjects.read(contexts);
    const [lane] = await this.lanes.find([
      { jobId: job.id ?? '', organization: subject?.organization?.id ?? '' },
    ]);
    return lane ?? null;
  }

  /** What the lanes know of jobs of the list. */
  findLanes(jobs: readonly LaneQuestion[]): Promise<(LaneFacts | null)[]> {
    return this.lanes.find(jobs);
  }

  /** Asks once for what keeps all jobs of the queue, and explains with it why each of many waits. */
  async explainMany(): Promise<ExplainListed> {
    const [queue, workers] = await Promise.all([this.places.find(null), this.liveWorkers()]);
    const nowMs = Date.now();
    return ({ addedAtMs, scheduled, attemptsMade, position, untilMs }, place, lane) =>
      explainWaiting(
        { addedAtMs, scheduled, retried: attemptsMade > 0 },
        { ...queue, position, untilMs, forChildren: place === 'waiting-children' },
        workers,
        nowMs,
        lane,
      );
  }

  /** A worker that misses two renewals of its lease does nothing, long before its record expires. */
  private async liveWorkers(): Promise<WorkerRecord[]> {
    const workers = await this.registry.list();
    const alive = await Promise.all(
      workers.map(async ({ lease }) =>
        lease === undefined ? true : (await this.redis.pttl(this.keys.lease(lease))) > SILENT_TTL_MS,
      ),
    );
    return workers.filter((_worker, index) => alive[index]);
  }
}
