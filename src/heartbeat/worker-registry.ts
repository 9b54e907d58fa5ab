import { Inject, Injectable } from '@nestjs/common';
import {
  type CountedWorker,
  HEARTBEAT_TTL_MS,
  type WorkerCounts,
  type WorkerRecord,
} from '../contract/worker-record.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';

/** The live workers, as their heartbeats describe them. */
@Injectable()
export class WorkerRegistry {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * {@link list}, each with whether it is alive, and with what it has ended under its name so far, earlier starts within
   * a week included.
   */
  async listWithCounts(): Promise<CountedWorker[]> {
    const workers = await this.list();
    return Promise.all(
      workers.map(async (worker) => {
        const [counts, alive] = await Promise.all([this.countsOf(worker.id), this.isAlive(worker)]);
        return { ...worker, ...counts, alive };
      }),
    );
  }

  /** A worker that dies leaves its record for half a minute; its lease ends sooner. */
  private async isAlive({ lease }: WorkerRecord): Promise<boolean> {
    return lease === undefined || (await this.redis.exists(this.keys.lease(lease))) === 1;
  }

  private async countsOf(workerId: string): Promise<WorkerCounts> {
    const [completed, failed, timedOut, cancelled] = await this.redis.hmget(
      this.keys.workerStats(workerId),
      'completed',
      'failed',
      'timed_out',
      'cancelled',
    );
    return {
      completed: Number(completed ?? 0),
      failed: Number(failed ?? 0),
      timed_out: Number(timedOut ?? 0),
      cancelled: Number(cancelled ?? 0),
    };
  }

  /** Workers whose record has not expired, by id. Ids of the dead are removed from the index on the way. */
  async list(): Promise<WorkerRecord[]> {
    const index = this.keys.workers();
    await this.redis.zremrangebyscore(index, '-inf', String(Date.now() - HEARTBEAT_TTL_MS));
    const ids = await this.redis.zrange(index, '0', '-1');
    // One GET each, not MGET: on Cluster the records are in different slots.
    const records = await Promise.all(ids.map((id) => this.redis.get(this.keys.workerRecord(id))));
    return records
      .filter((record) => record !== null)
      .map((record) => JSON.parse(record) as WorkerRecord)
      .toSorted((a, b) => a.id.localeCompare(b.id));
  }
}
