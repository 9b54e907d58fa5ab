import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { type JobsOptions, Queue } from 'bullmq';
import type { Command } from 'ioredis';
import { resultQueueName } from '../../../src/contract/jobs/job.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { readJsonReply } from '../../../src/redis/lua-script.js';
import type { FetchReply } from '../../../src/results/at-once/fetch-script.js';
import { TAKE } from '../../../src/results/at-once/take-script.js';
import type { Settings } from '../../../src/config/settings.js';
import { deathsOver, surviveDeath, type Way } from '../../support/crashes/crash-points.js';
import { settingsOf } from '../../support/parts.js';
import { contentOf } from '../../support/servers/keyspace.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { type Code, SmallWorker } from '../../support/crashes/small-worker.js';
import { until } from '../../support/until.js';

const redis = useRedis();
let client: RedisClient;

beforeAll(() => {
  Logger.overrideLogger(false);
  client = redis.connect();
});

const CONTEXT = JSON.stringify({ workflow_code: 'a function of the test', function_name: 'f', tags: ['x'] });

/** A worker in a part of Redis of its own, which ends executions in one way. */
async function aWorker(
  way: Way,
  {
    code = () => 7,
    connection = redis.connect(),
    env = {},
    lockMs = 600_000,
    opts = {},
    concurrency = 1,
  }: Partial<Setup> = {},
) {
  const settings = settingsOf({ KEY_PREFIX: `${randomUUID()}:`, QUEUE_NAME: 'work', WORKER_ID: 'w', ...env });
  const keys = new RedisKeys(settings.KEY_PREFIX);
  const queueOf = (name: string): Queue => {
    const queue = new Queue(name, { connection: client, prefix: `${settings.KEY_PREFIX}bull` });
    redis.onDispose(() => queue.close());
    return queue;
  };
  const [workQueue, resultQueue] = [queueOf('work'), queueOf(resultQueueName('work'))];
  const lease = { owner: 'w#1', isDead: () => Promise.resolve(false) };
  const small = new SmallWorker({
    client: connection,
    settings,
    workQueue,
    resultQueue,
    lease,
    code,
    atOnce: way === 'at once',
    lockMs,
    concurrency,
  });
  redis.onDispose(() => small.close());
  const add = async (...ids: string[]): Promise<void> => {
    for (const id of ids) {
      await client.set(keys.context(id), CONTEXT);
      await workQueue.add('execute', { execution_id: id }, { ...opts, jobId: `job-${id}` });
    }
  };
  /** Adds jobs, and resolves when they have ended. */
  const end = async (...ids: string[]): Promise<void> => {
    await add(...ids);
    await ended(...ids);
  };
  const ended = async (...ids: string[]): Promise<void> => {
    await until(async () => (await workQueue.getCompletedCount()) >= ids.length, { what: 'the jobs end' });
    await until(async () => (await publishedOf(keys, ids)).every((mark) => mark === '1'), {
      what: 'the results are published',
    });
  };
  return { settings, keys, workQueue, resultQueue, small, add, end, ended };
}

interface Setup {
  code: Code;
  connection: RedisClient;
  env: Record<string, string>;
  lockMs: number;
  concurrency: number;
  /** Options of its jobs. */
  opts: JobsOptions;
}

const publishedOf = (keys: RedisKeys, ids: readonly string[]): Promise<(string | null)[]> =>
  Promise.all(ids.map((id) => client.hget(keys.ledger(id), 'published')));

/** Everything below a prefix, without times and what is drawn by lot. */
async function everything({ KEY_PREFIX: prefix }: Settings): Promise<Record<string, unknown>> {
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value)
        .replaceAll(prefix, '')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
        .replace(/\b\d{13}\b/g, 'ms')
        .replace(/(duration|queued|queue|prepare|runner_wait)_ms\\?":[\d.]+/g, '$1')
        .replace(/"run","[0-9a-f]{8}"/g, '"run","r"'),
    );
  const found: [string, unknown][] = [];
  for (const key of await client.keys(`*${prefix}*`)) {
    if (/:(stalled-check|marker|lock)$/.test(key)) continue;
    const value = await contentOf(client, key);
    found.push([key.replace(prefix, ''), plain([value, (await client.ttl(key)) > 0])]);
  }
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const printing: Code = (_execution, { onLog }) => {
  void onLog({ ts: '2026-03-01T10:00:00.000Z', level: 'info', stream: 'stdout', message: 'hello' });
  return { n: 1 };
};

describe('the end of an execution in one command', () => {
  it.each<[string, Code, Record<string, string>]>([
    ['that printed nothing', () => ({ text: 'grüße', list: [1, 2] }), {}],
    ['that printed', printing, {}],
    ['that returned nothing', () => undefined, {}],
    ['with a result larger than the feed carries', () => 'x'.repeat(20_000), {}],
    ['without a result queue', () => 1, { RESULT_QUEUE: 'off' }],
    ['without a feed', () => 1, { ARCHIVE_FEED_LENGTH: '0' }],
  ])('leaves what the separate commands leave, of one %s', async (_what, code, env) => {
    const states: unknown[] = [];
    for (const way of ['by separate commands', 'at once'] as const) {
      const { small, add, ended, settings } = await aWorker(way, { code, env });
      // Before the worker: the order of BullMQ's events is a part of what is compared.
      await add('e-1', 'e-2');
      await small.run({ atOnce: way === 'at once' });
      await ended('e-1', 'e-2');
      await small.close();
      states.push(await everything(settings));
    }
    expect(states[1]).toEqual(states[0]);
  });

  it.each<[string, string, JobsOptions]>([
    ['long ids', 'e'.repeat(190), {}],
    ['ids of other characters', 'grüße', {}],
    ['jobs that stay for a while', 'e', { removeOnComplete: { count: 5 }, attempts: 3 }],
    ['jobs that would fail their parent', 'e', { failParentOnFailure: true }],
  ])('leaves what the separate commands leave, of %s', async (_what, id, opts) => {
    const states: unknown[] = [];
    for (const way of ['by separate commands', 'at once'] as const) {
      const { small, add, ended, settings } = await aWorker(way, { opts });
      await add(`${id}-1`, `${id}-2`);
      await small.run({ atOnce: way === 'at once' });
      await ended(`${id}-1`, `${id}-2`);
      await small.close();
      states.push(await everything(settings));
    }
    expect(states[1]).toEqual(states[0]);
  });

  it('is one command for an execution, the next job and its take included', async () => {
    const connection = redis.connect();
    const sent: string[] = [];
    const target = connection as unknown as { sendCommand(command: Command): unknown };
    const send = target.sendCommand.bind(target);
    target.sendCommand = (command) => {
      sent.push(String(command.toWritable({})));
      return send(command);
    };
    const { small, add, ended } = await aWorker('at once', { connection });
    const ids = Array.from({ length: 20 }, (_, index) => `e-${index}`);
    await add(...ids);
    await small.run();
    await ended(...ids);
    const ofId = (id: string): string[] => sent.filter((text) => new RegExp(`\\b${id}\\b`).test(text));
    // Over the first, Redis may get to know the scripts.
    expect(ids.slice(1).map((id) => ofId(id).length)).toEqual(ids.slice(1).map(() => 1));
  });

  it('takes the next execution with it only where nothing has to be looked at before', async () => {
    const connection = redis.connect();
    const takes: string[] = [];
    const run = TAKE.run.bind(TAKE);
    const watched = jest.spyOn(TAKE, 'run').mockImplementation((with_, keys, args) => {
      takes.push(String(keys[3]).replace(/^.*exec:|:context$/g, ''));
      return run(with_, keys, args);
    });
    redis.onDispose(() => watched.mockRestore());
    const { small, keys, workQueue, ended } = await aWorker('at once', { connection });
    const due = { id: 'nightly', due_at: '2026-03-01T10:00:00.000Z' };
    const jobs: [id: string, data: object][] = [
      ['e-0', {}],
      ['e-1', { parameters: { n: 1 } }],
      ['grüße', {}],
      ['e-3', { again: true }],
      ['e-4', { schedule: due }],
      ['e-5', { filler: 'x'.repeat(5_000) }],
      ['e-6', {}],
    ];
    for (const [id, more] of jobs) {
      await client.set(keys.context(id), CONTEXT);
      await workQueue.add('execute', { execution_id: id, ...more }, { jobId: `job-${id}` });
    }
    await small.run();
    await ended('e-0', 'e-1', 'grüße', 'e-3', 'e-5', 'e-6');
    // Those of which a command of its own has to see what they are; a tick is looked at first.
    expect(takes).toEqual(['grüße', 'e-5']);
    const starts = await client.hmget(keys.ledger('e-6'), 'attempt', 'starts', 'owner');
    expect(starts).toEqual(['1', '1', '']);
  });

  it('gives back what was taken with it where the worker goes on with nothing', async () => {
    const { small, keys, workQueue, add, ended, settings } = await aWorker('at once', {
      code: ({ id }) => {
        // As a drain, from the moment at which the next one is handed out.
        const takesWork = (): boolean => (void small.worker.pause(true), false);
        Object.defineProperty(small.state, 'takesWork', { get: takesWork });
        return id;
      },
    });
    await add('e-1', 'e-2');
    await small.run();
    await ended('e-1');
    await until(async () => (await workQueue.getJobState('job-e-2')) === 'waiting', {
      what: 'e-2 waits again',
    });
    expect(await client.hmget(keys.ledger('e-2'), 'owner', 'attempt', 'starts')).toEqual(['', '0', '0']);
    await small.close();
    const next = new SmallWorker({ ...small.parts, client: redis.connect(), settings, code: () => 8 });
    redis.onDispose(() => next.close());
    await next.run();
    await ended('e-1', 'e-2');
    expect(JSON.parse((await client.get(keys.result('e-2')))!)).toMatchObject({
      result: 8,
      attempt: 1,
      starts: 1,
    });
  });

  it('leaves what another worker has settled as it is, and ends the job with that', async () => {
    const { small, end, keys, resultQueue } = await aWorker('at once', {
      code: async ({ id }) => {
        const other = { ...DOCUMENT, execution_id: id };
        await client.set(keys.result(id), JSON.stringify(other));
        return 7;
      },
    });
    await small.run();
    await end('e-1');
    const jobs = await resultQueue.getJobs();
    expect(jobs.map(({ data }) => data as unknown)).toEqual([{ ...DOCUMENT, execution_id: 'e-1' }]);
    expect(await client.get(keys.result('e-1'))).toContain('"by another"');
  });

  it('leaves nothing half-written that is not sent afterwards, where Redis refuses a part of it', async () => {
    const { small, end, keys, resultQueue } = await aWorker('at once', {
      code: async ({ id }) => {
        await client.set(keys.archiveFeed(), 'no stream');
        setTimeout(() => void client.del(keys.archiveFeed()), 300);
        return id;
      },
    });
    await small.run();
    await end('e-1');
    expect(await resultQueue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    expect(await client.xlen(keys.archiveFeed())).toBe(1);
  });

  it('keeps few scripts in Redis, however many kinds of jobs a producer makes', async () => {
    const { small, keys, workQueue, ended } = await aWorker('at once');
    const ids = Array.from({ length: 20 }, (_, index) => `e-${index}`);
    for (const [index, id] of ids.entries()) {
      await client.set(keys.context(id), CONTEXT);
      const opts = { jobId: `job-${id}`, removeOnComplete: { count: 100 + index } };
      await workQueue.add('execute', { execution_id: id }, opts);
    }
    await small.run();
    await ended(...ids);
    expect(small.atOnce.scriptCount).toBe(16);
  });

  it('takes options that only look alike for two kinds', async () => {
    const { small, keys, workQueue, ended } = await aWorker('at once');
    for (const [index, ignores] of [false, 'false', false].entries()) {
      await client.set(keys.context(`e-${index}`), CONTEXT);
      const opts = { jobId: `job-${index}`, ignoreDependencyOnFailure: ignores as boolean };
      await workQueue.add('execute', { execution_id: `e-${index}` }, opts);
    }
    await small.run();
    await ended('e-0', 'e-1', 'e-2');
    expect(small.atOnce.scriptCount).toBe(2);
  });

  it.each(['moveToFinished', 'moveToActive'])(
    'is not used, nor is a fetch with its take, where a script of BullMQ is not the one that is known: %s',
    async (script) => {
      const connection = redis.connect();
      const { small, end, resultQueue } = await aWorker('at once', { connection });
      await small.worker.waitUntilReady();
      const scripts = connection.scriptsSet as Record<string, { lua: string; numberOfKeys: number }>;
      const [name, { lua, numberOfKeys }] = Object.entries(scripts).find(([key]) =>
        key.startsWith(`${script}:`),
      )!;
      connection.defineCommand(name, { lua: `${lua}-- of a later version\n`, numberOfKeys });
      await small.run();
      expect(small.atOnce.problem).toContain(script);
      expect(small.next.isPossible).toBe(false);
      await end('e-1');
      expect(await resultQueue.getJobCounts('waiting')).toEqual({ waiting: 1 });
    },
  );
});

describe('the fetch of a job with its execution', () => {
  it('is all that an idle worker asks of Redis before code starts', async () => {
    const connection = redis.connect();
    let answer: unknown;
    const target = connection as unknown as { sendCommand(command: Command): unknown };
    const send = target.sendCommand.bind(target);
    target.sendCommand = (command) => {
      const sent = send(command);
      // BullMQ's look at what has stalled comes at any time.
      if (!command.args.some((arg) => String(arg).endsWith(':stalled-check'))) answer = sent;
      return sent;
    };
    const fetched: unknown[] = [];
    const { small, end } = await aWorker('at once', {
      connection,
      concurrency: 2,
      // What Redis was asked last has handed out this job.
      code: async () => void fetched.push((readJsonReply(await answer) as FetchReply)[0][1]),
    });
    await small.run();
    await end('e-1');
    expect(fetched).toEqual(['job-e-1']);
  });

  it('wakes no worker where it has left nothing, and one where it has', async () => {
    const marked: number[] = [];
    const { small, workQueue, add, ended } = await aWorker('at once', {
      code: async () => void marked.push(await client.exists(workQueue.toKey('marker'))),
    });
    await add('e-1', 'e-2', 'e-3');
    await small.run();
    await ended('e-1', 'e-2', 'e-3');
    expect(marked).toEqual([1, 1, 0]);
  });

  it('finds what is due later, and what comes while it runs', async () => {
    const { small, keys, workQueue, ended } = await aWorker('at once', {
      code: async ({ id }) => {
        if (id === 'e-1') await addJob('e-3');
        return id;
      },
    });
    const addJob = async (id: string, delay = 0): Promise<void> => {
      await client.set(keys.context(id), CONTEXT);
      await workQueue.add('execute', { execution_id: id }, { jobId: `job-${id}`, delay });
    };
    await addJob('e-1');
    await addJob('e-2', 300);
    await small.run();
    await ended('e-1', 'e-2', 'e-3');
  });

  it('frees the execution of a job that BullMQ cannot read', async () => {
    const { small, keys, workQueue, add } = await aWorker('at once');
    await add('e-1');
    await client.hset(workQueue.toKey('job-e-1'), 'opts', '{');
    const failed = new Promise((resolve) => small.worker.once('error', resolve));
    await small.run();
    expect(String(await failed)).toContain('JSON');
    await until(async () => (await client.hget(keys.ledger('e-1'), 'owner')) === '', {
      what: 'the execution is free',
    });
    expect(await client.hmget(keys.ledger('e-1'), 'attempt', 'starts')).toEqual(['0', '0']);
  });
});

const DOCUMENT = { execution_id: '', run: 1, success: true, status: 'succeeded', result: 'by another' };

describe('a worker that dies between any two commands', () => {
  it.each<Way>(['at once', 'by separate commands'])(
    'leaves one result and nothing in doubt: %s',
    async (way) => {
      const { sent, faults } = await surviveDeath(redis, way, null);
      expect(faults).toEqual([]);
      const plans = deathsOver(sent.length);
      // All of the few; of the many every third, each in another way than the one before.
      const chosen = way === 'at once' ? plans : plans.filter((_, index) => index % 3 === 0);
      const deaths = await Promise.all(chosen.map((plan) => surviveDeath(redis, way, plan)));
      expect(deaths.map(({ faults }) => faults)).toEqual(chosen.map(() => []));
      expect(deaths.filter(({ died }) => died).length).toBeGreaterThanOrEqual(chosen.length / 2);
    },
  );
});
