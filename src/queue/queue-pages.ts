import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { CANARY } from '../contract/jobs/canary.js';
import type { RedisClient } from '../redis/connections.js';
import { LuaScript } from '../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { untilMsOf } from './job-places.js';
import { type JobRequest, parseJob } from './parse-job.js';
import { WORK_QUEUE } from './queue-tokens.js';

/** Where BullMQ keeps jobs that have not ended, in the order of a listing. */
export const QUEUE_PLACES = ['active', 'wait', 'prioritized', 'waiting-children', 'delayed'] as const;
export type QueuePlace = (typeof QUEUE_PLACES)[number];

/** A job of the queue as a listing shows it. */
export interface ListedJob {
  jobId: string;
  request: JobRequest;
  /** Unix milliseconds. */
  addedAtMs: number;
  /** Its producer wanted it to be delayed. */
  scheduled: boolean;
  attemptsMade: number;
  /** 1 for the job that is taken next; null: it does not wait to be taken. */
  position: number | null;
  /** Unix milliseconds before which it is not taken; null: it is not delayed. */
  untilMs: number | null;
  /** For a page that begins after it. */
  cursor: JobCursor;
}

/** After which job a page begins. */
export interface JobCursor {
  jobId: string;
  /** Its index in a list, or its score in a sorted set: where to go on when it is there no more. */
  hint: string;
}

export interface QueuePage {
  jobs: ListedJob[];
  /** It is the last one of its place. */
  isLast: boolean;
}

/** Of larger data only the ends are read, where the id of a large task is. */
const WHOLE_DATA_BYTES = 65_536;
const END_BYTES = 4_096;

/** Lua: data as far as it is read. */
const SHORTENED = `
local function shortened(data)
  if not data then return '' end
  if #data <= ${WHOLE_DATA_BYTES} then return data end
  return string.sub(data, 1, ${END_BYTES}) .. '\\n' .. string.sub(data, -${END_BYTES})
end`;

/** KEYS any of the queue, ARGV prefix of job keys, job ids -> {data, scheduler} of each, or nil for one that is gone */
const IDENTIFY = new LuaScript(`${SHORTENED}
local answer = {}
for i = 2, #ARGV do
  local job = redis.call('HMGET', ARGV[1] .. ARGV[i], 'data', 'rjk')
  answer[#answer + 1] = job[1] and {shortened(job[1]), job[2] or ''} or false
end
return answer
`);

/**
 * KEYS place, wait; ARGV 'list' or 'set', job id to begin after or '', its hint, jobs of a page, prefix of job keys
 * -> {length of place, length of wait, index of the first job, {id, score, data, timestamp, opts, attempts, scheduler}…}
 *
 * The newest first: lists have them at the left end, sets have them at the highest scores. Jobs come at that end and
 * go at the other, so that a page goes on where the one before ended. LPOS reads 200,000 ids in two milliseconds.
 */
const PAGE = new LuaScript(`${SHORTENED}
local from = 0
local entries = {}
local count = tonumber(ARGV[4])
if ARGV[1] == 'list' then
  if ARGV[2] ~= '' then
    local at = redis.call('LPOS', KEYS[1], ARGV[2])
    from = at and at + 1 or tonumber(ARGV[3])
  end
  for _, id in ipairs(redis.call('LRANGE', KEYS[1], from, from + count - 1)) do
    entries[#entries + 1] = {id, ''}
  end
else
  if ARGV[2] ~= '' then
    local at = redis.call('ZREVRANK', KEYS[1], ARGV[2])
    from = at and at + 1 or redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf')
  end
  local found = redis.call('ZREVRANGE', KEYS[1], from, from + count - 1, 'WITHSCORES')
  for i = 1, #found, 2 do entries[#entries + 1] = {found[i], found[i + 1]} end
end
local length = redis.call(ARGV[1] == 'list' and 'LLEN' or 'ZCARD', KEYS[1])
local answer = {length, redis.call('LLEN', KEYS[2]), from}
for _, entry in ipairs(entries) do
  local job = redis.call('HMGET', ARGV[5] .. entry[1], 'data', 'timestamp', 'opts', 'atm', 'rjk')
  answer[#answer + 1] = {entry[1], entry[2], shortened(job[1]), job[2] or '0', job[3] or '{}', job[4] or '0', job[5] or ''}
end
return answer
`);

type Entry = [
  jobId: string,
  score: string,
  data: string,
  at: string,
  opts: string,
  made: string,
  rjk: string,
];

/** Reads the jobs of the work queue, a page at a time: the cost is that of the page, whatever waits. */
@Injectable()
export class QueuePages {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
  ) {}

  /** The newest `count` jobs of a place, or those after the cursor of the page before. */
  async read(place: QueuePlace, after: JobCursor | null, count: number): Promise<QueuePage> {
    const isList = place === 'active' || place === 'wait';
    const keys = [this.queue.toKey(place), this.queue.toKey('wait')];
    const args = [
      isList ? 'list' : 'set',
      after?.jobId ?? '',
      after?.hint ?? '0',
      count,
      this.queue.toKey(''),
    ];
    const [length, waiting, from, ...entries] = (await PAGE.run(this.redis, keys, args)) as [
      number,
      number,
      number,
      ...Entry[],
    ];
    const jobs = entries.map((entry, nth) => {
      const index = from + nth;
      const cursor = { jobId: entry[0], hint: isList ? String(index + 1) : entry[1] };
      return { ...jobOf(entry, place), cursor, position: positionOf(place, index, length, waiting) };
    });
    return {
      jobs: jobs.filter(({ jobId }) => jobId !== CANARY.id),
      isLast: from + entries.length >= length,
    };
  }

  /** The execution of each job, in their order; null: the job is gone. */
  async executionIds(jobIds: readonly string[]): Promise<(string | null)[]> {
    const args = [this.queue.toKey(''), ...jobIds];
    const found = (await IDENTIFY.run(this.redis, [this.queue.toKey('meta')], args)) as (
      | [data: string, rjk: string]
      | null
    )[];
    return found.map((job, index) => {
      if (job === null) return null;
      const [data, rjk] = job;
      const read = { id: jobIds[index], data: dataOf(data), repeatJobKey: rjk || undefined };
      return parseJob(read).executionId;
    });
  }
}

/** Workers take from the right end of `wait`, and from `prioritized` only when that is empty. */
function positionOf(place: QueuePlace, index: number, length: number, waiting: number): number | null {
  if (place === 'wait') return length - index;
  return place === 'prioritized' ? waiting + length - index : null;
}

function jobOf(
  [jobId, score, data, at, opts, made, rjk]: Entry,
  place: QueuePlace,
): Omit<ListedJob, 'position' | 'cursor'> {
  const { delay } = (parse(opts) ?? {}) as { delay?: unknown };
  return {
    jobId,
    request: parseJob({ id: jobId, data: dataOf(data), repeatJobKey: rjk || undefined }),
    addedAtMs: Number(at),
    scheduled: typeof delay === 'number' && delay > 0,
    attemptsMade: Number(made),
    untilMs: place === 'delayed' ? untilMsOf(score) : null,
  };
}

/** The data of a job; of large data only what the id is taken from. */
function dataOf(text: string): unknown {
  const whole = parse(text);
  if (whole !== undefined) return whole;
  const [, key, id] = /"(execution_id|taskId)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  if (key === undefined || id === undefined) return null;
  return { [key]: parse(id), ...(key === 'taskId' ? { code: '' } : {}) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
