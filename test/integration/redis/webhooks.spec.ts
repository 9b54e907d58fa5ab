import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { resultSettings, webhookSettings } from '../../../src/config/slices.js';
import { type WebhookAttempt, webhookQueueName } from '../../../src/contract/jobs/webhook.js';
import { ScheduleEnds } from '../../../src/queue/schedules/schedule-ends.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ResultStore } from '../../../src/results/result-store.js';
import { WebhookLog } from '../../../src/results/webhooks/webhook-log.js';
import { scheduleLog } from '../../../src/results/webhooks/webhook-message.js';
import { WebhookQueue } from '../../../src/results/webhooks/webhook-queue.js';
import { WebhookSender } from '../../../src/webhooks/webhook-sender.js';
import { aResult } from '../../support/archive-parts.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
const keys = new RedisKeys('');
const SECRETS = ['first', 'second'].map(
  (name) => `whsec_${Buffer.from(name.padEnd(32, '.')).toString('base64')}`,
);
let client: RedisClient;
let queue: Queue;
let work: Queue;
let server: Server;
let base: string;
let log: WebhookLog;
let closing: (() => Promise<void>)[] = [];
/** What the receiver got, and how it answers; the last answer stays. */
let received: { path: string; headers: IncomingMessage['headers']; body: string }[] = [];
let answers: (number | ((response: ServerResponse) => void))[] = [];

const settingsWith = (env: Record<string, string> = {}) =>
  settingsOf({
    WEBHOOK_SECRETS: SECRETS.join(','),
    WEBHOOK_ALLOW: '127.0.0.1:*',
    WEBHOOK_ATTEMPTS: '5',
    WEBHOOK_BACKOFF_SECONDS: '0.02',
    ...env,
  });

function openSender(env: Record<string, string> = {}): WebhookSender {
  const settings = settingsWith(env);
  const sender = new WebhookSender(
    client,
    queue,
    keys,
    new ResultStore(client, keys),
    new ScheduleEnds(work, client, keys),
    log,
    webhookSettings.of(settings),
  );
  sender.onModuleInit();
  closing.push(() => sender.onApplicationShutdown());
  return sender;
}

const messages = (env: Record<string, string> = {}): WebhookQueue =>
  new WebhookQueue(queue, webhookSettings.of(settingsWith(env)));

const ended = (id: string, outcomes: number): Promise<WebhookAttempt[]> =>
  until(
    async () => {
      const entries = await log.read(id);
      return entries.length >= outcomes && entries.at(-1)?.outcome !== 'retried' ? entries : null;
    },
    { what: `${outcomes} deliveries of ${id}` },
  );

beforeAll(async () => {
  Logger.overrideLogger(false);
  client = redis.connect();
  queue = new Queue(webhookQueueName('bifrost-executions'), { connection: redis.connect(), prefix: 'bull' });
  queue.on('error', () => undefined);
  work = new Queue('bifrost-executions', { connection: redis.connect(), prefix: 'bull' });
  work.on('error', () => undefined);
  log = new WebhookLog(client, keys, resultSettings.of(settingsOf()));
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url as string, headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (typeof answer === 'function') answer(response);
      else response.writeHead(answer ?? 200).end('thanks');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  redis.onDispose(async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all([queue.close(), work.close()]);
  });
});
beforeEach(() => {
  received = [];
  answers = [200];
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

describe('a message', () => {
  it('reaches a receiver that fails three times at the fourth, with a signature that its library verifies', async () => {
    answers = [500, 503, (response) => response.destroy(), 204];
    openSender();
    const id = randomUUID();
    await messages().addExecution(aResult(id, { result: { a: 1 } }), { url: `${base}/hook?token=secret` });
    const deliveries = await ended(id, 4);
    expect(deliveries.map(({ outcome, status, attempt }) => ({ outcome, status, attempt }))).toEqual([
      { outcome: 'retried', status: 500, attempt: 1 },
      { outcome: 'retried', status: 503, attempt: 2 },
      { outcome: 'retried', status: null, attempt: 3 },
      { outcome: 'delivered', status: 204, attempt: 4 },
    ]);
    expect(deliveries[0]?.to).toBe(`${base}/hook`);
    expect(received).toHaveLength(4);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    for (const { headers, body, path } of received) {
      expect(path).toBe('/hook?token=secret');
      for (const secret of SECRETS) {
        const event = new Webhook(secret).verify(body, headers as Record<string, string>);
        expect(event).toMatchObject({
          type: 'execution.ended',
          data: { execution_id: id, status: 'succeeded', result: { a: 1 }, failure_code: null },
        });
      }
      expect(() => new Webhook(SECRETS[0]!).verify(`${body} `, headers as Record<string, string>)).toThrow();
    }
  });

  it('is sent once however often it is left, and leaves out a value that is large', async () => {
    const id = randomUUID();
    const result = aResult(id, { result: 'x'.repeat(100_000) });
    for (let n = 0; n < 3; n += 1) await messages().addExecution(result, { url: base });
    openSender();
    await ended(id, 1);
    await messages().addExecution(result, { url: base });
    const other = randomUUID();
    await messages().addExecution(aResult(other), { url: base });
    await ended(other, 1);
    const own = received.map(({ body }) => JSON.parse(body) as { data: Record<string, unknown> });
    expect(own.filter(({ data }) => data['execution_id'] === id)).toHaveLength(1);
    expect(own[0]?.data).toMatchObject({ result_omitted: true });
  });

  it('that waits for its next attempt outlives the process that sent it', async () => {
    answers = [500];
    const first = openSender();
    const id = randomUUID();
    await messages({ WEBHOOK_BACKOFF_SECONDS: '0.5' }).addExecution(aResult(id), { url: base });
    await until(() => received.length === 1, { what: 'the first attempt' });
    await first.onApplicationShutdown();
    answers = [200];
    openSender();
    expect(await ended(id, 2)).toMatchObject([{ outcome: 'retried' }, { outcome: 'delivered', attempt: 2 }]);
  });

  it('is given up after its last attempt, and at once where the receiver is gone', async () => {
    openSender();
    answers = [500];
    const [failing, gone] = [randomUUID(), randomUUID()];
    await messages({ WEBHOOK_ATTEMPTS: '2' }).addExecution(aResult(failing), { url: base });
    expect(await ended(failing, 2)).toMatchObject([
      { outcome: 'retried' },
      { outcome: 'failed', status: 500 },
    ]);
    answers = [410];
    await messages().addExecution(aResult(gone), { url: base });
    expect(await ended(gone, 1)).toMatchObject([{ outcome: 'failed', status: 410 }]);
  });

  it('does not follow a redirect', async () => {
    answers = [(response) => response.writeHead(302, { location: `${base}/elsewhere` }).end()];
    openSender();
    const id = randomUUID();
    await messages({ WEBHOOK_ATTEMPTS: '1' }).addExecution(aResult(id), { url: `${base}/hook` });
    expect(await ended(id, 1)).toMatchObject([{ outcome: 'failed', status: 302 }]);
    expect(received.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('reads no more of an answer than a part', async () => {
    let written = 0;
    const stopped = new Promise<void>((resolve) => {
      answers = [
        (response) => {
          response.writeHead(200);
          const chunk = Buffer.alloc(65_536);
          const write = (): void => {
            while (!response.destroyed && response.write(chunk)) written += chunk.length;
          };
          response.on('drain', write);
          response.on('close', () => resolve());
          write();
        },
      ];
    });
    openSender();
    const id = randomUUID();
    await messages().addExecution(aResult(id), { url: base });
    expect(await ended(id, 1)).toMatchObject([{ outcome: 'delivered', status: 200 }]);
    await stopped;
    expect(written).toBeLessThan(50_000_000);
  });

  it.each([
    ['this machine', 'http://127.0.0.1:PORT/', '*:*', 'address'],
    ['this machine in another spelling', 'http://[::ffff:127.0.0.1]:PORT/', '*:*', 'address'],
    ['this machine as a number', 'http://2130706433:PORT/', '*:*', 'address'],
    ['a name of this machine', 'http://localhost:PORT/', '*:*', 'address'],
    ['metadata of a cloud', 'http://169.254.169.254/', '0.0.0.0/0:*', 'address'],
    ['a port that is not of the web', 'http://example.com:PORT/', '*', 'port'],
    ['a host that is not allowed', 'http://example.com/', 'hooks.example.org', 'host'],
  ])('is not sent to %s', async (_what, url, allow, reason) => {
    openSender({ WEBHOOK_ALLOW: allow });
    const id = randomUUID();
    const { port } = server.address() as AddressInfo;
    await messages().addExecution(aResult(id), { url: url.replace('PORT', String(port)) });
    expect(await ended(id, 1)).toMatchObject([
      { outcome: 'failed', status: null, error: `WEBHOOK_ALLOW does not open it (${reason})` },
    ]);
    expect(received).toEqual([]);
  });

  it('goes to the URL that the workers know under the name of an endpoint', async () => {
    openSender({ WEBHOOK_ENDPOINTS: `crm=${base}/crm?key=1, other=https://example.com/` });
    const id = randomUUID();
    await messages().addExecution(aResult(id), { endpoint: 'crm' });
    expect(await ended(id, 1)).toMatchObject([{ outcome: 'delivered', to: 'crm' }]);
    expect(received[0]?.path).toBe('/crm?key=1');
  });

  it('about a batch goes out once all of it has ended', async () => {
    openSender();
    const [batch, a, b] = [randomUUID(), randomUUID(), randomUUID()];
    await client.set(keys.batch(batch), JSON.stringify({ created_at: '', executions: [a, b] }));
    await client.set(keys.result(a), JSON.stringify(aResult(a)));
    await messages().addBatch(batch, { url: base });
    await until(async () => (await queue.getDelayedCount()) === 1, { what: 'the batch is looked at' });
    expect(received).toEqual([]);
    await client.set(keys.result(b), JSON.stringify(aResult(b, { status: 'failed', success: false })));
    await ended(batch, 1);
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      type: 'batch.ended',
      data: { batch_id: batch, total: 2, statuses: { succeeded: 1, failed: 1 } },
    });
  });

  describe('about a schedule', () => {
    const setAt = '2026-05-01T00:00:00.000Z';
    const keep = (schedule: string, changes: object = {}): Promise<unknown> => {
      const rule = { cron: null, tz: null, every: 60_000, start: setAt, end: '2026-05-01T01:00:30.000Z' };
      const record = { rule, anchorMs: 0, createdAt: setAt, updatedAt: setAt, ...changes };
      return client.hset(keys.schedules(), schedule, JSON.stringify(record));
    };

    it('goes out once its end is reached and its ticks have ended', async () => {
      openSender();
      const schedule = randomUUID();
      await keep(schedule);
      const [last, before] = ['2026-05-01T01:00:00.000Z', '2026-05-01T00:59:00.000Z'];
      await client.set(keys.result(`${schedule}@${last}`), JSON.stringify(aResult('any')));
      // A tick before the last one still runs.
      const job = work.toKey(`repeat:${schedule}:${Date.parse(before)}`);
      await client.hset(job, 'data', '{}');
      await messages().addSchedule({ schedule, setAt }, new Date(last), { url: base });
      await until(async () => (await queue.getDelayedCount()) === 1, { what: 'the schedule is looked at' });
      expect(received).toEqual([]);
      await client.hset(job, 'finishedOn', '1');
      await ended(scheduleLog(schedule), 1);
      expect(JSON.parse(received[0]!.body)).toMatchObject({
        type: 'schedule.ended',
        data: {
          schedule_id: schedule,
          end: '2026-05-01T01:00:30.000Z',
          last_execution_id: `${schedule}@${last}`,
          last_status: 'succeeded',
        },
      });
    });

    it('does not go out where it was set anew, removed, or taken back', async () => {
      openSender();
      const [anew, removed, dropped] = [randomUUID(), randomUUID(), randomUUID()];
      await keep(anew, { updatedAt: '2026-05-02T00:00:00.000Z' });
      await keep(dropped);
      const late = new Date(Date.now() + 3_600_000);
      await messages().addSchedule({ schedule: dropped, setAt }, late, { url: base });
      await messages().dropSchedule({ schedule: dropped, setAt });
      const before = await queue.getFailedCount();
      for (const schedule of [anew, removed])
        await messages().addSchedule({ schedule, setAt }, new Date(setAt), { url: base });
      await until(async () => (await queue.getFailedCount()) === before + 2, { what: 'both are given up' });
      expect(await queue.getDelayedCount()).toBe(0);
      expect(received).toEqual([]);
    });
  });
});
