import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Change } from '../contract/api/changes.js';
import { CANARY } from '../contract/jobs/canary.js';
import { progressSchema } from '../contract/result.js';
import { ByteLru } from '../lib/byte-lru.js';
import type { RedisClient } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { ResultStore } from '../results/result-store.js';
import { isHeld } from './fairness/lane-levels.js';
import { QueuePages } from './queue-pages.js';
import { WORK_QUEUE } from './queue-tokens.js';

/** What was read of the events of the queue. */
export interface ChangeBatch {
  changes: Change[];
  /** Id of the last event that was looked at; null: there was none. */
  last: string | null;
}

type Entry = [id: string, fields: string[]];
type Fields = Readonly<Record<string, string | undefined>>;

/** Ids of executions by the names of their jobs. */
const KEPT_BYTES = 8 * 1_048_576;

/**
 * What happens to executions, as the events of their jobs on the work queue say it. BullMQ keeps some 10,000 of those
 * in a stream, which is where a reader goes on that was away.
 */
@Injectable()
export class QueueChanges {
  private readonly names = new ByteLru<string>(KEPT_BYTES);

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly pages: QueuePages,
    private readonly results: ResultStore,
  ) {}

  /** A connection of its own, for {@link waitAfter}. */
  connect(): RedisClient {
    // A Cluster client has the same method with other optional arguments, which TypeScript cannot join.
    const connection = (this.redis as { duplicate(): RedisClient }).duplicate();
    connection.on('error', () => undefined);
    return connection;
  }

  /** Id of the latest event; `0-0` before the first. */
  async latest(): Promise<string> {
    const [entry] = await this.redis.xrevrange(this.key, '+', '-', 'COUNT', 1);
    return entry?.[0] ?? '0-0';
  }

  /** Whether events after this one are gone. */
  async hasLost(after: string): Promise<boolean> {
    const [first] = await this.redis.xrange(this.key, '-', '+', 'COUNT', 1);
    if (first === undefined || compareIds(first[0], after) <= 0) return false;
    const info = (await this.redis.xinfo('STREAM', this.key)) as unknown[];
    const [added, length] = ['entries-added', 'length'].map((name) => info[info.indexOf(name) + 1]);
    // All that there ever was is still there. Servers before Redis 7 do not say how many there were.
    return !(info.includes('entries-added') && added === length);
  }

  /** What came after an event, at most `count` events of the queue. */
  async readAfter(after: string, count: number): Promise<ChangeBatch> {
    return this.batchOf(await this.redis.xrange(this.key, `(${after}`, '+', 'COUNT', count));
  }

  /** As {@link readAfter}; waits for something to come, at most `waitMs` milliseconds. */
  async waitAfter(
    connection: RedisClient,
    after: string,
    count: number,
    waitMs: number,
  ): Promise<ChangeBatch> {
    const reply = await connection.xread('COUNT', count, 'BLOCK', waitMs, 'STREAMS', this.key, after);
    return this.batchOf(reply?.[0]?.[1] ?? []);
  }

  private get key(): string {
    return this.queue.toKey('events');
  }

  private async batchOf(entries: readonly Entry[]): Promise<ChangeBatch> {
    const events = entries.map(([id, fields]) => ({ id, fields: fieldsOf(fields) }));
    await this.learnNames(events.flatMap(({ fields: { jobId } }) => (jobId === undefined ? [] : [jobId])));
    const changes = await Promise.all(events.map(({ id, fields }) => this.changeOf(id, fields)));
    return { changes: changes.filter((change) => change !== null), last: entries.at(-1)?.[0] ?? null };
  }

  /** Jobs of other producers are not named after their execution. */
  private async learnNames(jobIds: readonly string[]): Promise<void> {
    const unknown = [...new Set(jobIds)].filter((jobId) => this.names.get(jobId) === undefined);
    if (unknown.length === 0) return;
    const ids = await this.pages.executionIds(unknown);
    for (const [index, jobId] of unknown.entries()) {
      const executionId = ids[index];
      if (executionId != null) this.names.set(jobId, executionId, jobId.length + executionId.length);
    }
  }

  private async changeOf(id: string, fields: Fields): Promise<Change | null> {
    const { event, jobId = '' } = fields;
    if (jobId === CANARY.id) return null;
    // What is gone already was most likely named after its execution.
    const executionId = this.names.get(jobId) ?? decoded(jobId);
    const change = { id, at: timeOf(id), execution_id: executionId };
    switch (event) {
      case 'waiting':
      case 'waiting-children':
        return { ...change, type: 'queued' };
      case 'delayed':
        if (isHeld(Number(fields['delay']))) return { ...change, type: 'queued' };
        return { ...change, type: 'delayed', until: new Date(Number(fields['delay'])).toISOString() };
      case 'active':
        return { ...change, type: 'running' };
      case 'progress':
        return withProgress(change, fields['data']);
      case 'completed':
      case 'failed': {
        const status = await this.results.findStatus(executionId);
        return status === null ? null : { ...change, type: 'ended', status };
      }
      case 'removed': {
        if (fields['prev'] === 'completed' || fields['prev'] === 'failed') return null;
        const status = await this.results.findStatus(executionId);
        return status === null ? { ...change, type: 'removed' } : { ...change, type: 'ended', status };
      }
      default:
        return null;
    }
  }
}

/** Compares ids of a stream of Redis. */
export function compareIds(a: string, b: string): number {
  const [aMs = 0, aSequence = 0] = a.split('-').map(Number);
  const [bMs = 0, bSequence = 0] = b.split('-').map(Number);
  return aMs - bMs || aSequence - bSequence;
}

const timeOf = (id: string): string => new Date(Number(id.split('-')[0])).toISOString();

const fieldsOf = (flat: readonly string[]): Fields =>
  Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, pair) => [flat[2 * pair], flat[2 * pair + 1]]),
  ) as Fields;

function decoded(jobId: string): string {
  try {
    return jobId.startsWith('id-') ? decodeURIComponent(jobId.slice(3)) : jobId;
  } catch {
    return jobId;
  }
}

/** Progress of another program may be anything. */
function withProgress(
  change: Pick<Extract<Change, { type: 'progress' }>, 'id' | 'at' | 'execution_id'>,
  text: string | undefined,
): Change | null {
  try {
    const parsed = progressSchema.safeParse(JSON.parse(text ?? 'null'));
    return parsed.success ? { ...change, type: 'progress', progress: parsed.data } : null;
  } catch {
    return null;
  }
}
