import { Inject, Injectable } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import type { FlowChildren } from '../contract/execution.js';
import type { RedisClient } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { childFailureOf } from './bull/held-job.js';
import { parseJob } from '../queue/parse-job.js';
import { WORK_QUEUE } from '../queue/queue-tokens.js';

/** Values of children that go to the code of their parent, as JSON; of what is beyond, a mark says so. */
export const CHILDREN_LIMIT_CHARS = 4_194_304;

/** A child whose failure fails its parent. */
export interface FailedChild {
  jobId: string;
  queue: string;
  /** null: its job is gone. */
  executionId: string | null;
  /** What BullMQ keeps as its `failedReason`. */
  error: string | null;
}

/** What a job has that waited for others. */
export interface Family {
  children: FlowChildren;
  /** The child that fails it. */
  failed: FailedChild | null;
  /** Children are under way, such as one that is retried: it is not to be run yet. */
  pending: boolean;
}

/** Reads what BullMQ keeps of the children of a flow's parent. */
@Injectable()
export class FlowChildrenReader {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
  ) {}

  /** null: the job never was a parent. */
  async read(job: Pick<Job, 'id'>): Promise<Family | null> {
    const key = (part: string): string => this.queue.toKey(`${job.id ?? ''}:${part}`);
    const keys = PARTS.map(key);
    const failure = childFailureOf(job);
    // One small question for the many jobs that are no parents.
    if (failure === null && (await this.redis.exists(...keys)) === 0) return null;
    const [values, failures, pending, failed] = await Promise.all([
      this.redis.hgetall(key('processed')),
      this.redis.hgetall(key('failed')),
      this.redis.exists(key('dependencies')),
      this.redis.zrange(key('unsuccessful'), '0', '0'),
    ]);
    const culprit = (failure && FAILED_CHILD.exec(failure)?.[1]) || failed[0];
    return {
      children: { values: boundedValues(values), failures },
      failed: culprit === undefined ? null : await this.describe(culprit),
      pending: pending === 1,
    };
  }

  private async describe(key: string): Promise<FailedChild> {
    const prefix = `${this.queue.opts.prefix ?? 'bull'}:`;
    const rest = key.startsWith(prefix) ? key.slice(prefix.length) : key;
    // The name of a queue holds no colon; the id of a scheduler's job does.
    const at = rest.indexOf(':');
    const jobId = rest.slice(at + 1);
    const [data, error, repeatJobKey] = await this.redis.hmget(key, 'data', 'failedReason', 'rjk');
    const request = data == null ? null : { id: jobId, data: parseText(data) };
    return {
      jobId,
      queue: rest.slice(0, Math.max(0, at)),
      executionId: request && parseJob({ ...request, repeatJobKey: repeatJobKey ?? undefined }).executionId,
      error: error ?? null,
    };
  }
}

/** Keys that BullMQ keeps beside a parent: values, ignored failures, children under way, and those that fail it. */
const PARTS = ['processed', 'failed', 'dependencies', 'unsuccessful'] as const;
const FAILED_CHILD = /^child (.+) failed$/;

function boundedValues(texts: Record<string, string>): Record<string, unknown> {
  let left = CHILDREN_LIMIT_CHARS;
  const values: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(texts)) {
    left -= text.length;
    const mark = { 'bifrost:large-value': { bytes: Buffer.byteLength(text), key } };
    values[key] = left >= 0 ? parseText(text) : mark;
  }
  return values;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
