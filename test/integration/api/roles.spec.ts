import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Logger } from '@nestjs/common';
import { RunnerPool } from '../../../src/executor/pool/runner-pool.js';
import { WORK_QUEUE } from '../../../src/queue/queue-tokens.js';
import { type Application, openApplication } from '../../support/application.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
Logger.overrideLogger(false);

interface Health {
  status: string;
  details: Record<string, { status: string; reason?: string } & Record<string, unknown>>;
}

const open = (env: Record<string, string>): Promise<Application> => openApplication(redis, env);
const ask = (url: string, path: string): Promise<Response> => fetch(`${url}${path}`);
const healthOf = async (url: string): Promise<Health> => (await (await ask(url, '/health')).json()) as Health;

describe('a process of the role api', () => {
  it('has no runners and answers the API', async () => {
    const { nest, url } = await open({ ROLES: 'api', KEY_PREFIX: 'api:' });
    expect(() => nest.get(RunnerPool, { strict: false })).toThrow();
    expect((await ask(url, '/workers')).status).toBe(200);
    expect((await ask(url, '/health/ready')).status).toBe(200);
  });
});

describe('a start', () => {
  it('is over when Redis is reached, however slow that is: requests after it are answered', async () => {
    const slow = createServer((client) => {
      client.on('error', () => undefined);
      client.once('data', (greeting: Buffer) => {
        const forward = (): void => {
          const server = connect(Number(new URL(redis.url).port), '127.0.0.1');
          server.on('error', () => undefined);
          server.write(greeting);
          client.pipe(server).pipe(client);
        };
        // The one whose commands do not wait, by the name that it gives itself.
        if (greeting.includes('-impatient')) setTimeout(forward, 500);
        else forward();
      });
    });
    await once(slow.listen(0, '127.0.0.1'), 'listening');
    redis.onDispose(() => slow.close());
    const { port } = slow.address() as AddressInfo;
    const { url } = await open({
      ROLES: 'api',
      KEY_PREFIX: 'slow:',
      REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    expect((await ask(url, '/executions/unknown')).status).toBe(404);
  });

  it('does not wait for a Redis that is away', async () => {
    const { url } = await open({ ROLES: 'api', REDIS_URL: 'redis://127.0.0.1:1' });
    expect((await ask(url, '/health/live')).status).toBe(200);
    expect((await ask(url, '/executions/unknown')).status).toBe(503);
  });
});

describe('a process of the role archive', () => {
  const nowhere = { DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' };

  it('has probes and nothing else', async () => {
    const { nest, url } = await open({ ROLES: 'archive', KEY_PREFIX: 'archive:', ...nowhere });
    expect(() => nest.get(RunnerPool, { strict: false })).toThrow();
    expect(() => nest.get<unknown>(WORK_QUEUE, { strict: false })).toThrow();
    for (const path of ['/workers', '/executions/x', '/docs']) {
      expect({ path, status: (await ask(url, path)).status }).toEqual({ path, status: 404 });
    }
    expect((await ask(url, '/health/live')).status).toBe(200);
    expect((await ask(url, '/health/ready')).status).toBe(200);
  });
});

describe('the health of the archive', () => {
  const nowhere = { DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' };

  it('is degraded while the database is away, says so without its password, and stays ready', async () => {
    const { url } = await open({ ROLES: 'archive', KEY_PREFIX: 'db:', ...nowhere });
    await until(async () => (await healthOf(url)).status === 'degraded', { what: 'the loss is noticed' });
    const { archive } = (await healthOf(url)).details;
    expect(archive).toMatchObject({ status: 'degraded', waiting: 0, lost: 0 });
    expect(archive?.reason).toMatch(/DATABASE_URL does not answer: .*ECONNREFUSED.*results wait in Redis/);
    expect(archive?.reason).not.toContain('secret');
    expect((await ask(url, '/health/ready')).status).toBe(200);
    expect((await ask(url, '/health/live')).status).toBe(200);
    const metrics = await (await ask(url, '/metrics')).text();
    expect(metrics).toContain('bifrost_archive_database_up 0');
    expect(metrics).toContain('bifrost_archive_waiting_results 0');
  });

  it('is degraded where more results wait than the feed holds, also without any archive', async () => {
    const { url } = await open({ ROLES: 'api', KEY_PREFIX: 'gap:', ARCHIVE_FEED_LENGTH: '2' });
    expect((await healthOf(url)).details['archive']).toMatchObject({ status: 'up', waiting: 0 });
    await redis.connect().zadd('{gap:bifrost:archive:feed}:waiting', 1, 'a', 2, 'b', 3, 'c');
    expect((await healthOf(url)).details['archive']).toMatchObject({
      status: 'degraded',
      waiting: 3,
      waiting_since: '1970-01-01T00:00:00.001Z',
      reason: expect.stringMatching(/3 results are not archived.*ROLES=archive.*ARCHIVE_FEED_LENGTH=0/),
    });
  });
});

describe('the health of the result queue', () => {
  it('is degraded above the configured length, says what to do, and stays ready', async () => {
    const { url } = await open({ ROLES: 'api', KEY_PREFIX: 'rq:', RESULT_QUEUE_WARN_LENGTH: '3' });
    expect((await healthOf(url)).details['result_queue']).toMatchObject({ status: 'up', length: 0 });
    await redis.connect().lpush('rq:bull:bifrost-executions-results:wait', 'a', 'b', 'c', 'd');
    const { status, details } = await healthOf(url);
    expect(status).toBe('degraded');
    expect(details['result_queue']).toMatchObject({
      status: 'degraded',
      length: 4,
      reason: expect.stringMatching(/4 results wait on bifrost-executions-results.*RESULT_QUEUE=off/),
    });
    expect((await ask(url, '/health/ready')).status).toBe(200);
  });
});
