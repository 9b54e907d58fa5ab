import { randomUUID } from 'node:crypto';
import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';
import type { Running } from './contestant.ts';
import type { Workload } from './workloads.ts';

const POLL_MS = 4;
const STUCK_MS = 120_000;
const BATCH = 5_000;

/** The two ends of one contestant's queues: puts jobs in, sees results come out. */
export class Producer {
  private readonly redis: Redis;
  private readonly queue: Queue;
  private readonly results: Queue;
  private readonly running: Running;

  constructor(running: Running) {
    this.running = running;
    this.redis = new Redis(running.options.redis, { maxRetriesPerRequest: null });
    const shared = { connection: this.redis, prefix: running.prefix };
    this.queue = new Queue(running.queueName, shared);
    this.results = new Queue(`${running.queueName}-results`, shared);
  }

  async close(): Promise<void> {
    await Promise.all([this.queue.close(), this.results.close()]);
    await this.redis.quit();
  }

  /** Puts jobs on the queue while no worker takes any. */
  async fill(workload: Workload, count: number): Promise<void> {
    await this.queue.pause();
    for (let left = count; left > 0; left -= BATCH) {
      await this.add(workload, Math.min(left, BATCH));
    }
  }

  /**
   * Lets the worker begin and waits until `count` results are out; jobs a second from result `skip` on.
   * Finished means: on the result queue, or, without one, marked as completed by BullMQ.
   */
  async drain(count: number, skip: number): Promise<number> {
    const startedAt = performance.now();
    let counted = { done: 0, at: startedAt };
    await this.queue.resume();
    for (;;) {
      const done = await this.finished();
      const at = performance.now();
      if (done >= count) return ((done - counted.done) / (at - counted.at)) * 1000;
      if (counted.done === 0 && done >= skip) counted = { done, at };
      if (at - startedAt > STUCK_MS) throw new Error(`${this.running.name}: only ${done} of ${count} ended`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Forgets what is finished, as if a consumer had taken it; returns how much that was. */
  async clean(): Promise<number> {
    await this.settled();
    await this.checkResults();
    const done = await this.finished();
    await this.results.drain();
    await this.queue.clean(0, Number.MAX_SAFE_INTEGER, 'completed');
    return done;
  }

  /** Waits until BullMQ has noted the end of every job that was begun. */
  async settled(): Promise<void> {
    const active = this.queue.toKey('active');
    await this.until('no job was active', async () => (await this.redis.llen(active)) === 0);
  }

  /** No worker takes a job from now on; resolves when none runs any more. */
  async pause(): Promise<void> {
    await this.queue.pause();
    await this.settled();
  }

  /** Milliseconds from adding each job to seeing it finished, jobs sent at `perSecond`. */
  async latencies(workload: Workload, count: number, perSecond: number): Promise<number[]> {
    const sentAt = new Map<string, number>();
    const times: number[] = [];
    const { results } = this.running.contestant;
    const queue = results ? this.results : this.queue;
    const events = new QueueEvents(queue.name, {
      connection: this.redis.duplicate(),
      prefix: this.running.prefix,
      // By default it reads what comes after its first read, which a fast job is done before.
      lastEventId: await this.lastEvent(queue),
    });
    await events.waitUntilReady();
    const seen = ({ jobId }: { jobId: string }): void => {
      const id = jobId.replace(/^result-/, '');
      const at = sentAt.get(id);
      if (at !== undefined) times.push(performance.now() - at);
      sentAt.delete(id);
    };
    if (results) events.on('waiting', seen);
    else events.on('completed', seen);
    await this.queue.resume();
    for (let index = 0; index < count; index += 1) {
      const id = await this.prepare(workload);
      sentAt.set(id, performance.now());
      await this.queue.add('execute', jobOf(id, workload), { jobId: id });
      await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
    }
    await this.until('all results were seen', () => sentAt.size === 0);
    await events.close();
    await this.clean();
    return times;
  }

  private async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const startedAt = performance.now();
    while (!(await holds())) {
      if (performance.now() - startedAt > STUCK_MS)
        throw new Error(`${this.running.name}: ${STUCK_MS / 1000} s passed before ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async lastEvent(queue: Queue): Promise<string> {
    const [last] = await this.redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1);
    return last?.[0] ?? '0-0';
  }

  private async add(workload: Workload, count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => randomUUID());
    if (this.running.contestant.product) {
      const pipeline = this.redis.pipeline();
      for (const id of ids) pipeline.set(this.contextKey(id), contextOf(workload), 'EX', 3600);
      await pipeline.exec();
    }
    await this.queue.addBulk(
      ids.map((id) => ({ name: 'execute', data: jobOf(id, workload), opts: { jobId: id } })),
    );
  }

  private async prepare(workload: Workload): Promise<string> {
    const id = randomUUID();
    if (this.running.contestant.product)
      await this.redis.set(this.contextKey(id), contextOf(workload), 'EX', 3600);
    return id;
  }

  private contextKey(id: string): string {
    return `${this.running.options.id}:bifrost:exec:${id}:context`;
  }

  private finished(): Promise<number> {
    return this.running.contestant.results
      ? this.redis.llen(this.results.toKey('wait'))
      : this.redis.zcard(this.queue.toKey('completed'));
  }

  /** A benchmark of failures would be a fast one. */
  private async checkResults(): Promise<void> {
    if (!this.running.contestant.results) return;
    const [job] = await this.results.getJobs(['wait'], 0, 0);
    const data = job?.data as { success?: boolean; error?: string } | undefined;
    if (data?.success !== true) throw new Error(`${this.running.name} failed: ${data?.error ?? 'no result'}`);
    const failed = await this.queue.getFailedCount();
    if (failed > 0) throw new Error(`${this.running.name}: ${failed} jobs failed`);
  }
}

const PARAMETERS = { name: 'bench', n: 1 };
const jobOf = (id: string, workload: Workload): object => ({
  execution_id: id,
  workload,
  parameters: PARAMETERS,
});

const contextOf = (workload: Workload): string =>
  JSON.stringify({
    file_path: `${workload}.js`,
    function_name: 'default',
    parameters: PARAMETERS,
    organization: { id: 'bench', name: 'Bench' },
    caller: { user_id: 'u-1', email: 'bench@example.org', name: 'Bench' },
    timeout_seconds: 60,
  });

/** Publishes workspace modules to a running product. */
export async function publish({ url }: Running, files: Record<string, string>): Promise<void> {
  const response = await fetch(`${url}/workspace`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files }),
  });
  if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`);
}
