import { Inject, Injectable } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { within } from '../lib/time-limit.js';
import { jobIdOf } from '../contract/jobs/job-id.js';
import { tickJobIdOf } from '../contract/jobs/schedule.js';
import { ByteLru } from '../lib/byte-lru.js';
import type { RedisClient } from '../redis/connections.js';
import { LuaScript } from '../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { parseJob } from './parse-job.js';
import { WORK_QUEUE } from './queue-tokens.js';

/** Jobs that one step of a search looks at: Redis is busy for about a millisecond. */
const PAGE = 500;
const LONG_SEARCH_MS = 1_000;
const KEPT_BYTES = 4 * 1_048_576;

/**
 * KEYS list or sorted set, ARGV kind, cursor, page, prefix of job keys, ids by JSON -> {next cursor, id, job id, …}
 *
 * A list is read from its young end: jobs that come meanwhile push the rest towards the cursor, so that
 * none is passed over. ZSCAN promises the same.
 */
const SEARCH = new LuaScript(`
local wanted = {}
for _, id in ipairs(cjson.decode(ARGV[5])) do wanted[id] = true end
local jobs, cursor = {}, '0'
if ARGV[1] == 'list' then
  local from = tonumber(ARGV[2])
  jobs = redis.call('LRANGE', KEYS[1], from, from + ARGV[3] - 1)
  if #jobs == tonumber(ARGV[3]) then cursor = tostring(from + #jobs) end
else
  local reply = redis.call('ZSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
  cursor = reply[1]
  for i = 1, #reply[2], 2 do jobs[#jobs + 1] = reply[2][i] end
end
local answer = {cursor}
for _, job in ipairs(jobs) do
  local data = redis.call('HGET', ARGV[4] .. job, 'data')
  if data then
    -- A large task is mostly code; its id is at one of the ends.
    if #data > 65536 then data = string.sub(data, 1, 4096) .. string.sub(data, -4096) end
    for key, text in string.gmatch(data, '"([%a_]+)"%s*:%s*"([^"]+)"') do
      local id = text
      if string.find(text, '\\\\') then
        local ok, plain = pcall(cjson.decode, '"' .. text .. '"')
        if ok then id = plain end
      end
      if (key == 'execution_id' or key == 'taskId') and wanted[id] then
        answer[#answer + 1] = id
        answer[#answer + 1] = job
      end
    end
  end
end
return answer
`);

/** How long a question waits for a search. */
const SEARCH_LIMIT_MS = 10_000;

/** A search through the queue takes longer than a question may wait; it goes on. */
export class StillSearchingError extends Error {
  override name = 'StillSearchingError';

  constructor(executionId: string, waiting: number) {
    super(
      `${waiting} jobs wait, and looking for ${executionId} among them takes longer than ${SEARCH_LIMIT_MS / 1000} s. ` +
        'It goes on: ask again',
    );
  }
}

interface Seeker {
  resolve(jobId: string | null): void;
  reject(error: unknown): void;
}

/**
 * Finds the job of an execution. Jobs of our API are named after their execution; producers of their
 * own name theirs as they like, and only a search through what waits finds those. One search serves every
 * request that comes meanwhile; a job once found is remembered, and that there is none for as long as it took to find out.
 */
@Injectable()
export class JobFinder {
  private readonly known = new ByteLru<string>(KEPT_BYTES);
  private seekers = new Map<string, Seeker[]>();
  private searching = false;
  /** Ids that a long search has not found, and until when that counts. */
  private readonly absent = new Map<string, number>();

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
  ) {}

  /** The job by what its name may be; null also when it waits under a name that is not known yet. */
  async findByName(executionId: string): Promise<Job | null> {
    const names = new Set([
      this.known.get(executionId),
      jobIdOf(executionId),
      executionId,
      tickJobIdOf(executionId),
    ]);
    for (const name of names) {
      if (name == null) continue;
      const job = (await this.queue.getJob(name)) as Job | undefined;
      if (job && parseJob(job).executionId === executionId) return job;
    }
    return null;
  }

  /**
   * The job by its name, else by a search through all that wait, are delayed, have a priority or were just taken.
   * @throws {StillSearchingError} when that takes too long
   */
  async find(executionId: string): Promise<Job | null> {
    const named = await this.findByName(executionId);
    if (named) return named;
    if ((this.absent.get(executionId) ?? 0) > performance.now()) return null;
    const jobId = await this.withinLimit(executionId, this.seek(executionId));
    return jobId === null ? null : this.findByName(executionId);
  }

  private withinLimit<T>(executionId: string, search: Promise<T>): Promise<T> {
    return within(search, SEARCH_LIMIT_MS, async () => {
      const waiting = await this.redis.llen(this.queue.toKey('wait')).catch(() => 0);
      throw new StillSearchingError(executionId, waiting);
    });
  }

  private seek(executionId: string): Promise<string | null> {
    return new Promise((resolve, reject) => {
      this.seekers.set(executionId, [...(this.seekers.get(executionId) ?? []), { resolve, reject }]);
      if (!this.searching) void this.searchAll();
    });
  }

  private async searchAll(): Promise<void> {
    this.searching = true;
    while (this.seekers.size > 0) {
      const asked = this.seekers;
      this.seekers = new Map();
      try {
        const startedMs = performance.now();
        await this.searchFor(asked);
        this.noteAbsent([...asked.keys()], performance.now() - startedMs);
        for (const seeker of [...asked.values()].flat()) seeker.resolve(null);
      } catch (error) {
        for (const seeker of [...asked.values()].flat()) seeker.reject(error);
      }
    }
    this.searching = false;
  }

  /** Only a long search is worth being remembered; a job may come at any moment. */
  private noteAbsent(ids: readonly string[], tookMs: number): void {
    const now = performance.now();
    for (const [id, untilMs] of this.absent) if (untilMs < now) this.absent.delete(id);
    for (const id of ids) if (tookMs > LONG_SEARCH_MS) this.absent.set(id, now + tookMs);
  }

  /** Takes out of `asked` what it finds, and resolves its seekers. Rejects when Redis does. */
  private async searchFor(asked: Map<string, Seeker[]>): Promise<void> {
    for (const [name, kind] of PLACES) {
      let cursor = '0';
      do {
        if (asked.size === 0) return;
        const [next, ...found] = await this.searchPage(name, kind, cursor, [...asked.keys()]);
        for (let i = 0; i < found.length; i += 2)
          this.resolveSeekers(asked, found[i] as string, found[i + 1] as string);
        cursor = next;
      } while (cursor !== '0');
    }
  }

  private async searchPage(
    name: string,
    kind: 'list' | 'set',
    cursor: string,
    ids: readonly string[],
  ): Promise<[string, ...string[]]> {
    const args = [kind, cursor, PAGE, this.queue.toKey(''), JSON.stringify(ids)];
    return (await SEARCH.run(this.redis, [this.queue.toKey(name)], args)) as [string, ...string[]];
  }

  private resolveSeekers(asked: Map<string, Seeker[]>, executionId: string, jobId: string): void {
    this.known.set(executionId, jobId, executionId.length + jobId.length);
    asked.get(executionId)?.forEach((seeker) => seeker.resolve(jobId));
    asked.delete(executionId);
  }
}

/** In the order that jobs take, so that none is missed that moves on meanwhile. What is active may have no ledger yet. */
const PLACES = [
  ['delayed', 'set'],
  ['prioritized', 'set'],
  ['wait', 'list'],
  ['active', 'list'],
] as const;
