import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Command } from 'ioredis';
import { type ExecutionResult, resultSchema } from '../../../src/contract/result.js';
import { resultJobId } from '../../../src/contract/jobs/job.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ArchiveFeed } from '../../../src/results/archive-feed.js';
import { SETTLE } from '../../../src/results/execution-scripts.js';
import { type Posting, ResultPublisher } from '../../../src/results/result-publisher.js';
import {
  aDocument,
  anOutcome,
  type Outcome,
  closingOf,
  openResultQueue,
  settingsOf,
} from '../../support/parts.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { resultSettings } from '../../../src/config/slices.js';

const redis = useRedis({ persistent: true });
const makeProducer = useProducers(redis);
const keys = new RedisKeys('');
const settings = settingsOf({ RESULT_TTL_SECONDS: '600' });
let client: RedisClient;
let queue: Queue;
let publisher: ResultPublisher;

beforeAll(() => {
  Logger.overrideLogger(false);
  client = redis.connect();
  queue = openResultQueue(redis, settings);
  publisher = new ResultPublisher(
    client,
    queue,
    new ArchiveFeed(client, keys, resultSettings.of(settings)),
    closingOf(client, keys, settings),
    keys,
    resultSettings.of(settings),
  );
});

interface Delivery extends Posting {
  executionId: string;
  attempt: number;
  queuedMs: number;
}

const aDelivery = (changes: Partial<Delivery> = {}): Delivery => ({
  executionId: `e-${randomUUID()}`,
  kind: 'execution',
  attempt: 1,
  mark: null,
  queuedMs: 5,
  ...changes,
});

/** What is published of a delivery whose attempt came to this. */
const posted = (
  { executionId, attempt, queuedMs, ...posting }: Delivery,
  outcome: Outcome,
  worker_id = settings.WORKER_ID,
): [ExecutionResult, Posting] => [
  { ...aDocument(executionId, outcome, attempt), worker_id, queued_ms: queuedMs },
  posting,
];

const stored = async (id: string): Promise<unknown> => JSON.parse((await client.get(keys.result(id)))!);
const jobFor = (id: string) => queue.getJob(resultJobId(id, 1));

/** Ids of the executions that have a job on the result queue, once for each job. */
const queued = async (id: string): Promise<number> => {
  const jobs = await queue.getJobs();
  return jobs.filter((job) => (job.data as { execution_id?: string }).execution_id === id).length;
};

/** What a worker leaves that dies between the two steps. */
const settleOnly = (delivery: Delivery, result: unknown): Promise<unknown> => {
  const { executionId } = delivery;
  const [document] = posted(delivery, anOutcome(result), 'dead');
  return SETTLE.run(
    client,
    [keys.result(executionId), keys.ledger(executionId), keys.attempts(executionId)],
    [JSON.stringify(document), 600, 1, '', '', 1],
  );
};

describe('publish', () => {
  it('stores the document and puts the same on the result queue', async () => {
    const delivery = aDelivery({ attempt: 3, queuedMs: 17 });
    await publisher.publish(...posted(delivery, anOutcome({ n: 1 })));
    const document = await stored(delivery.executionId);
    expect(resultSchema.parse(document)).toEqual({
      ...anOutcome({ n: 1 }),
      execution_id: delivery.executionId,
      worker_id: settings.WORKER_ID,
      attempt: 3,
      queued_ms: 17,
    });
    const job = await jobFor(delivery.executionId);
    expect(job).toMatchObject({ name: 'process-result', data: document });
    const ttls = await Promise.all(
      [keys.result(delivery.executionId), keys.ledger(delivery.executionId)].map((key) => client.ttl(key)),
    );
    for (const ttl of ttls) expect([ttl > 590, ttl <= 600]).toEqual([true, true]);
  });

  it('puts a task on the result queue by its own contract, and stores the whole document', async () => {
    const delivery = aDelivery({ kind: 'task' });
    await publisher.publish(...posted(delivery, anOutcome(null)));
    expect((await jobFor(delivery.executionId))?.data).toEqual({
      taskId: delivery.executionId,
      workerId: settings.WORKER_ID,
      status: 'completed',
      result: { stdout: 'out\n', stderr: '', exitCode: 0 },
      executionTimeMs: 1000,
    });
    expect(resultSchema.safeParse(await stored(delivery.executionId)).success).toBe(true);
  });

  it('takes ids that BullMQ would not', async () => {
    for (const executionId of ['12345', `a:b:${randomUUID()}`, 'ü/../%3A'.slice(1)]) {
      await publisher.publish(...posted(aDelivery({ executionId }), anOutcome(1)));
      expect(await queued(executionId)).toBe(1);
    }
  });

  it('does not show a start whose code reached no runner, and the others', async () => {
    const delivery = aDelivery();
    const ledger = keys.ledger(delivery.executionId);
    const handedBack = ['start:1', 'w9 2026-01-01T00:00:00Z', 'end:1', 'handed_back 2026-01-01T00:00:01Z'];
    const third = ['start:3', 'w1 2026-01-01T00:00:04Z'];
    await client.hset(ledger, 'starts', 3, ...handedBack, 'start:2', 'w8 2026-01-01T00:00:02Z', ...third);
    const [document, posting] = posted(delivery, anOutcome(1, { starts: 2 }));
    const result = await publisher.publish(document, { ...posting, unusedStart: 3 });
    expect(result).toMatchObject({
      starts: 2,
      start_history: [
        { start: 1, worker_id: 'w9', ended: 'handed_back' },
        { start: 2, worker_id: 'w8' },
      ],
    });
    expect(result.start_history).toHaveLength(2);

    const refused = aDelivery();
    await client.hset(keys.ledger(refused.executionId), 'starts', 1, 'start:1', 'w1 2026-01-01T00:00:00Z');
    const [its, way] = posted(refused, anOutcome(null, { starts: 0 }));
    const shown = await publisher.publish(its, { ...way, unusedStart: 1 });
    expect([shown.starts, shown.start_history]).toEqual([0, undefined]);
  });

  it('frees the execution in the ledger', async () => {
    const delivery = aDelivery();
    await client.hset(keys.ledger(delivery.executionId), 'owner', 'w#1');
    await publisher.publish(...posted(delivery, anOutcome(1)));
    expect(await client.hget(keys.ledger(delivery.executionId), 'owner')).toBe('');
  });
});

describe('beside the result queue', () => {
  const waiting = (id: string, names: RedisKeys = keys) => client.zscore(names.archiveWaiting(), id);
  const fed = async (id: string, names: RedisKeys = keys): Promise<string[]> => {
    const entries = await client.xrange(names.archiveFeed(), '-', '+');
    return entries.filter(([, fields]) => fields[1] === id).map(([, fields]) => fields[3] as string);
  };
  const publisherWith = (changes: Record<string, string>) => {
    const own = settingsOf({ RESULT_TTL_SECONDS: '600', ...changes });
    const names = new RedisKeys(own.KEY_PREFIX);
    const feed = new ArchiveFeed(client, names, resultSettings.of(own));
    return {
      names,
      publisher: new ResultPublisher(
        client,
        openResultQueue(redis, own),
        feed,
        closingOf(client, names, own),
        names,
        resultSettings.of(own),
      ),
    };
  };

  it('the archive is left the same document', async () => {
    const delivery = aDelivery();
    await publisher.publish(...posted(delivery, anOutcome({ n: 1 })));
    expect(await fed(delivery.executionId)).toEqual([await client.get(keys.result(delivery.executionId))]);
    expect(Number(await waiting(delivery.executionId))).toBeGreaterThan(Date.now() - 60_000);
  });

  it('a large document is left by its id alone', async () => {
    const delivery = aDelivery();
    await publisher.publish(...posted(delivery, anOutcome('x'.repeat(20_000))));
    expect(await fed(delivery.executionId)).toEqual(['']);
  });

  it('what a dead worker settled but never left for the archive is left by a later worker', async () => {
    const delivery = aDelivery();
    await settleOnly(delivery, 'first');
    await publisher.resend(delivery);
    expect(await fed(delivery.executionId)).toHaveLength(1);
  });

  it('with RESULT_QUEUE=off nothing is queued, and everything is left for the archive', async () => {
    const { publisher, names } = publisherWith({ RESULT_QUEUE: 'off', KEY_PREFIX: 'off:' });
    const delivery = aDelivery();
    await publisher.publish(...posted(delivery, anOutcome(1)));
    expect(await client.keys('off:bull:*')).not.toContainEqual(expect.stringMatching(/:wait$/));
    expect(await fed(delivery.executionId, names)).toHaveLength(1);
    expect(await client.exists(names.result(delivery.executionId))).toBe(1);
  });

  it('the stream stays short; the ids of what it dropped stay known', async () => {
    const { publisher, names } = publisherWith({ ARCHIVE_FEED_LENGTH: '100', KEY_PREFIX: 'short:' });
    const deliveries = Array.from({ length: 500 }, () => aDelivery());
    await Promise.all(deliveries.map((delivery) => publisher.publish(...posted(delivery, anOutcome(1)))));
    expect(await client.xlen(names.archiveFeed())).toBeLessThan(300);
    expect(await client.zcard(names.archiveWaiting())).toBe(500);
  });

  it('with ARCHIVE_FEED_LENGTH=0 nothing is left for an archive', async () => {
    const { publisher, names } = publisherWith({ ARCHIVE_FEED_LENGTH: '0', KEY_PREFIX: 'none:' });
    await publisher.publish(...posted(aDelivery(), anOutcome(1)));
    expect(await client.exists(names.archiveFeed(), names.archiveWaiting())).toBe(0);
  });

  it('a result that expired unarchived is counted as lost', async () => {
    const { publisher, names } = publisherWith({ KEY_PREFIX: 'lost:' });
    await client.zadd(names.archiveWaiting(), Date.now() - 601_000, 'expired');
    await publisher.publish(...posted(aDelivery(), anOutcome(1)));
    expect(await waiting('expired', names)).toBeNull();
    expect(await client.hget(names.archiveFigures(), 'lost')).toBe('1');
  });
});

describe('the one result of an execution', () => {
  it('is the first; a later one changes nothing and is not sent', async () => {
    const delivery = aDelivery();
    await publisher.publish(...posted(delivery, anOutcome('first')));
    await publisher.publish(...posted({ ...delivery, attempt: 2 }, anOutcome('second')));
    expect(await stored(delivery.executionId)).toMatchObject({ result: 'first', attempt: 1 });
    expect(await queued(delivery.executionId)).toBe(1);
    expect((await jobFor(delivery.executionId))?.data).toMatchObject({ result: 'first' });
  });

  it('is sent by a later worker, where its worker died before that', async () => {
    const delivery = aDelivery();
    await settleOnly(delivery, 'first');
    expect(await queued(delivery.executionId)).toBe(0);
    await publisher.publish(...posted({ ...delivery, attempt: 2 }, anOutcome('second')));
    expect((await jobFor(delivery.executionId))?.data).toMatchObject({ result: 'first', worker_id: 'dead' });
    expect(await stored(delivery.executionId)).toMatchObject({ result: 'first' });
  });

  it('is one of those that are published at once, and the same in both places', async () => {
    const delivery = aDelivery();
    const rivals = Array.from({ length: 10 }, (_, n) =>
      publisher.publish(...posted({ ...delivery, attempt: n + 1 }, anOutcome(n))),
    );
    await Promise.all(rivals);
    expect(await queued(delivery.executionId)).toBe(1);
    expect((await jobFor(delivery.executionId))?.data).toEqual(await stored(delivery.executionId));
  });

  it('is received exactly once over every repetition, before and after it is consumed', async () => {
    const queueName = `q-${randomUUID()}`;
    const own = settingsOf({ QUEUE_NAME: queueName });
    const publisher = new ResultPublisher(
      client,
      openResultQueue(redis, own),
      new ArchiveFeed(client, keys, resultSettings.of(own)),
      closingOf(client, keys, own),
      keys,
      resultSettings.of(own),
    );
    const deliveries = Array.from({ length: 20 }, () => aDelivery());
    const repeat = () =>
      Promise.all(
        deliveries.flatMap((delivery) => [
          publisher.publish(...posted(delivery, anOutcome('again'))),
          publisher.resend(delivery),
        ]),
      );
    await Promise.all(deliveries.map((delivery) => settleOnly(delivery, 'first')));
    await repeat();
    const producer = makeProducer({ queueName });
    await Promise.all(deliveries.map(({ executionId }) => producer.executionResult(executionId)));
    await repeat();
    // As if the worker had died between the queue and the note that it is there.
    await Promise.all(
      deliveries.map(({ executionId }) => client.hdel(keys.ledger(executionId), 'published')),
    );
    await repeat();
    const last = aDelivery();
    await publisher.publish(...posted(last, anOutcome('last')));
    await producer.executionResult(last.executionId);
    expect(producer.received.map((result) => (result as { result: unknown }).result)).toEqual([
      ...Array(20).fill('first'),
      'last',
    ]);
  });
});

describe('resend', () => {
  it('sends what was stored and never sent, by the contract of its kind', async () => {
    const delivery = aDelivery({ kind: 'task' });
    await settleOnly(delivery, 'first');
    await publisher.resend(delivery);
    expect((await jobFor(delivery.executionId))?.data).toMatchObject({
      taskId: delivery.executionId,
      workerId: 'dead',
      status: 'completed',
    });
  });

  it('sends nothing that is known to be sent, also when the job is gone by now', async () => {
    const delivery = aDelivery();
    await publisher.publish(...posted(delivery, anOutcome(1)));
    await (await jobFor(delivery.executionId))?.remove();
    await publisher.resend(delivery);
    await publisher.publish(...posted({ ...delivery, attempt: 2 }, anOutcome(2)));
    expect(await queued(delivery.executionId)).toBe(0);
  });

  it('sends nothing where there is no result', async () => {
    const delivery = aDelivery();
    await publisher.resend(delivery);
    expect(await queued(delivery.executionId)).toBe(0);
    expect(await client.exists(keys.ledger(delivery.executionId))).toBe(0);
  });
});

describe('while Redis is in trouble', () => {
  it('a result waits for its return and is then delivered once', async () => {
    const deliveries = Array.from({ length: 5 }, () => aDelivery());
    await redis.stop();
    let done = 0;
    const publishing = deliveries.map((delivery) =>
      publisher.publish(...posted(delivery, anOutcome('kept'))).then(() => (done += 1)),
    );
    const refused = redis.connect('impatient');
    await expect(refused.ping()).rejects.toThrow();
    expect(done).toBe(0);
    await redis.start();
    await Promise.all(publishing);
    for (const { executionId } of deliveries) {
      expect(await stored(executionId)).toMatchObject({ result: 'kept' });
      expect(await queued(executionId)).toBe(1);
    }
  });

  it('a result waits while Redis has no memory to take it', async () => {
    const delivery = aDelivery();
    await client.config('SET', 'maxmemory', '1');
    const failed = Promise.withResolvers<void>();
    const watched = new ResultPublisher(
      new Proxy(client, {
        get(target, name: keyof RedisClient) {
          const member: unknown = target[name];
          if (name !== 'sendCommand') return typeof member === 'function' ? member.bind(target) : member;
          return async (command: Command) => {
            try {
              return await target.sendCommand(command);
            } catch (error) {
              if (String(error).includes('OOM')) failed.resolve();
              throw error;
            }
          };
        },
      }),
      queue,
      new ArchiveFeed(client, keys, resultSettings.of(settings)),
      closingOf(client, keys, settings),
      keys,
      resultSettings.of(settings),
    );
    const publishing = watched.publish(...posted(delivery, anOutcome('kept')));
    await failed.promise;
    await client.config('SET', 'maxmemory', '0');
    await publishing;
    expect(await queued(delivery.executionId)).toBe(1);
  });
});
