import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const QUEUE = 'bifrost-executions';
const FEED = 'bifrost:archive:feed';
const WAITING = '{bifrost:archive:feed}:waiting';

/**
 * Executions that begin and end at a steady rate, through BullMQ as it is and with results as a worker leaves them, so
 * that the list, its events and the history see what they would see of real ones; nothing runs any code.
 */
export class EndedExecutions {
  private readonly client: Redis;
  private readonly queue: Queue;
  private readonly worker: Worker;
  private readonly over = new AbortController();
  private running: Promise<void> | null = null;
  /** How many were added, and how many have ended. */
  added = 0;
  ended = 0;

  constructor(redisUrl: string) {
    const connection = { url: redisUrl, maxRetriesPerRequest: null };
    this.client = new Redis(redisUrl);
    this.queue = new Queue(QUEUE, { connection, defaultJobOptions: { removeOnComplete: 1_000 } });
    this.worker = new Worker(QUEUE, (job) => this.end((job.data as { execution_id: string }).execution_id), {
      connection,
      concurrency: 30,
    });
  }

  /** @param perSecond how many a second */
  start(perSecond: number): void {
    this.running = this.add(perSecond);
  }

  /** Waits for what was added. */
  async stop(): Promise<void> {
    this.over.abort();
    await this.running;
    await this.worker.close();
    await this.queue.close();
    this.client.disconnect();
  }

  private async add(perSecond: number): Promise<void> {
    const startedAt = performance.now();
    while (!this.over.signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond);
      const jobs = Array.from({ length: due - this.added }, () => {
        const id = randomUUID();
        return { name: 'execute', data: { execution_id: id }, opts: { jobId: id } };
      });
      this.added = due;
      if (jobs.length > 0) await this.queue.addBulk(jobs);
      await sleep(25);
    }
  }

  private async end(id: string): Promise<void> {
    const now = new Date().toISOString();
    const isGood = this.ended % 20 !== 0;
    const document = JSON.stringify({
      ...RESULT,
      ...(isGood ? {} : FAILED),
      execution_id: id,
      workflow_id: `workflow-${this.ended % 20}`,
      started_at: now,
      finished_at: now,
    });
    this.ended += 1;
    await this.client
      .multi()
      .set(`bifrost:exec:${id}:result`, document, 'EX', 600)
      .zadd(WAITING, Date.now(), id)
      .xadd(FEED, '*', 'id', id, 'document', document)
      .exec();
  }
}

const RESULT = {
  worker_id: 'worker-0',
  attempt: 1,
  caller: null,
  organization: null,
  tags: [],
  success: true,
  status: 'succeeded',
  result: null,
  error: null,
  error_type: null,
  failure: null,
  duration_ms: 12.5,
  queued_ms: 3,
  logs: [],
  stdout: '',
  stderr: '',
  variables: {},
  metrics: {},
};
const FAILED = {
  success: false,
  status: 'failed',
  error: 'connect ECONNREFUSED 10.0.0.1:5432',
  error_type: 'Error',
  failure: { code: 'USER_ERROR', message: 'connect ECONNREFUSED 10.0.0.1:5432', stack: null, evidence: {} },
};
