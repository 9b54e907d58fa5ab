import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { resultSettings, type SecretSettings, secretSettings } from '../../../src/config/slices.js';
import { organizationSettingsSchema } from '../../../src/contract/organization.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ArchiveFeed } from '../../../src/results/archive-feed.js';
import { ResultPublisher } from '../../../src/results/result-publisher.js';
import { OrganizationDirectory } from '../../../src/tenants/organizations/organization-directory.js';
import { OrganizationStore } from '../../../src/tenants/organizations/organization-store.js';
import { SecretReader } from '../../../src/tenants/secrets/secret-reader.js';
import { SecretStore } from '../../../src/tenants/secrets/secret-store.js';
import { Quotas } from '../../../src/tenants/usage/quotas.js';
import { UsageCounter } from '../../../src/tenants/usage/usage-counter.js';
import { UsageStore } from '../../../src/tenants/usage/usage-store.js';
import { aDocument, anOutcome, closingOf, openResultQueue, settingsOf } from '../../support/parts.js';
import { everythingIn } from '../../support/servers/keyspace.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
const keys = new RedisKeys('t:');
let client: RedisClient;
let organizations: OrganizationStore;
let directory: OrganizationDirectory;
let quotas: Quotas;

beforeAll(() => {
  client = redis.connect();
  organizations = new OrganizationStore(client, keys);
  directory = new OrganizationDirectory(organizations, client, keys);
  redis.onDispose(() => directory.onApplicationShutdown());
  quotas = new Quotas(client, keys, directory, organizations);
});

/** What is set of an organization, beside the defaults. */
const settings = (changes: object) => organizationSettingsSchema.parse(changes);

const today = new Date().toISOString();

/** A result that used something. */
const used = (organization: string, changes: Partial<ExecutionResult> = {}): ExecutionResult => ({
  ...aDocument(randomUUID(), anOutcome(1)),
  organization: { id: organization, name: null },
  metrics: { cpu_total_seconds: 1.5, network_bytes: 100 },
  artifacts: [{ name: 'a', bytes: 10, sha256: '', type: 'text/plain' }],
  starts: 1,
  finished_at: today,
  ...changes,
});

const usageOf = async (organization: string) =>
  (await new UsageStore(client, keys).ofDay(today.slice(0, 10), [organization]))[0];

describe.each([
  ['on one server', (redisClient: RedisClient) => redisClient],
  ['on Cluster', clusterLike],
])('what an organization used, %s', (where, clientOf) => {
  const counter = () => new UsageCounter(clientOf(client), keys, quotas);
  const id = (name: string) => `${where} ${name}`;
  /** As the ledger is while the result has not gone out. */
  const taken = async (result: ExecutionResult): Promise<ExecutionResult> => {
    await client.hset(keys.ledger(result.execution_id), { owner: '', run: String(result.run ?? 1) });
    return result;
  };

  it('is counted once for each execution, however often and by whomever it is sent', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => taken(used(id('once')))));
    const counts = results.flatMap((result) => Array.from({ length: 5 }, () => counter().countEnd(result)));
    await Promise.all(counts);
    expect(await usageOf(id('once'))).toMatchObject({
      executions: 40,
      cpu_seconds: 60,
      network_bytes: 4_000,
      artifact_bytes: 400,
    });
  });

  it('has every attempt, and every run', async () => {
    const first = await taken(used(id('attempts'), { artifacts: [] }));
    await counter().countAttempt(first);
    await counter().countAttempt(first);
    expect(await usageOf(id('attempts'))).toMatchObject({ executions: 0, cpu_seconds: 1.5 });
    await counter().countEnd({ ...first, attempt: 2 });
    await counter().countEnd({ ...first, attempt: 1, run: 2 });
    expect(await usageOf(id('attempts'))).toMatchObject({ executions: 2, cpu_seconds: 4.5 });
  });

  it('has no execution of which no code ran, and nothing of those without an organization', async () => {
    const unrun = { starts: 0, metrics: {}, artifacts: [] };
    const result = await taken(used(id('nothing'), unrun));
    await counter().countEnd(result);
    await counter().countEnd({ ...result, organization: null });
    expect(await usageOf(id('nothing'))).toBeUndefined();
    expect(await client.hget(keys.ledger(result.execution_id), 'counted')).toBeNull();
  });
});

it('is counted once where the worker died before or after it had counted, by the one that sends the result', async () => {
  const own = settingsOf({ KEY_PREFIX: 't:' });
  const queue = openResultQueue(redis, own);
  const counter = new UsageCounter(client, keys, quotas);
  let counted = 0;
  /** Dies while it sends: nothing of that resolves any more, and every second has counted by then. */
  const dying = {
    countEnd: async (result: ExecutionResult): Promise<void> => {
      if (counted++ % 2 === 0) await counter.countEnd(result);
      await new Promise<void>(() => undefined);
    },
  } as unknown as UsageCounter;
  const publisherWith = (usage: UsageCounter) =>
    new ResultPublisher(
      client,
      queue,
      new ArchiveFeed(client, keys, resultSettings.of(own)),
      closingOf(client, keys, own, usage),
      keys,
      resultSettings.of(own),
    );
  const results = Array.from({ length: 10 }, () => used('crashed', { attempt: 1 }));
  for (const result of results)
    void publisherWith(dying).publish(result, { kind: 'execution', mark: null, holdsNoSecrets: true });
  await until(() => counted === results.length, { what: 'all are about to be sent' });
  const next = publisherWith(counter);
  await Promise.all(
    [...results, ...results].map(({ execution_id: executionId }) =>
      next.resend({ executionId, kind: 'execution' }),
    ),
  );
  expect(await usageOf('crashed')).toMatchObject({ executions: 10, cpu_seconds: 15, artifact_bytes: 100 });
});

it('makes no ledger of an execution that has none any more, and keeps the counters for a while', async () => {
  const result = used('late');
  await new UsageCounter(client, keys, quotas).countEnd(result);
  expect(await usageOf('late')).toMatchObject({ executions: 1 });
  expect(await client.exists(keys.ledger(result.execution_id))).toBe(0);
  expect(await client.ttl(keys.usage(today.slice(0, 10)))).toBeGreaterThan(86_400);
});

describe('a quota', () => {
  it('refuses from the moment on at which it is used up', async () => {
    await organizations.save('q', settings({ quotas: { cpu_seconds: { limit: 3 } } }));
    const counter = new UsageCounter(client, keys, quotas);
    await counter.countEnd(used('q'));
    expect(await quotas.refusing('q')).toBeNull();
    await counter.countEnd(used('q'));
    expect(await quotas.refusing('q')).toMatchObject({ quota: 'cpu_seconds', limit: 3, used: 3 });
    expect((await quotas.refusing('q'))?.resetsAt.toISOString()).toMatch(/T00:00:00.000Z$/);
    await organizations.save('q', settings({ quotas: { cpu_seconds: { limit: 30 } } }));
    await until(async () => (await quotas.refusing('q')) === null, { what: 'the new limit holds' });
  });

  it('slows down: the record that the order of executions reads has a cap of one', async () => {
    await organizations.save(
      's',
      settings({ max_running: 7, quotas: { executions: { limit: 1, action: 'slow' } } }),
    );
    expect(await organizations.find('s')).toMatchObject({ max_running: 7 });
    await new UsageCounter(client, keys, quotas).countEnd(used('s'));
    expect(await organizations.find('s')).toMatchObject({ max_running: 1 });
    expect(await organizations.findRecord('s')).toMatchObject({ max_running: 7 });
    expect(await quotas.refusing('s')).toBeNull();
    await client.hset(keys.organizationsSlowed(), 's', Date.now() - 1);
    expect(await organizations.find('s')).toMatchObject({ max_running: 7 });
  });
});

describe('the record of an organization', () => {
  it('is known to every process as soon as it has changed', async () => {
    const other = new OrganizationDirectory(organizations, redis.connect(), keys);
    redis.onDispose(() => other.onApplicationShutdown());
    expect(await other.find('changed')).toMatchObject({ weight: 1, updated_at: null });
    await until(async () => (await client.pubsub('NUMSUB', keys.organizationsChanged()))[1] !== 0, {
      what: 'it listens',
    });
    await until(
      async () => {
        const found = await other.find('changed');
        return other.find('changed') === found;
      },
      { what: 'what was read is there at once' },
    );
    const set = performance.now();
    await organizations.save('changed', settings({ weight: 9 }));
    await until(async () => (await other.find('changed')).weight === 9, { what: 'it has changed' });
    // Otherwise it would have been read again after five seconds.
    expect(performance.now() - set).toBeLessThan(4_500);
  });

  it('that cannot be read sets nothing', async () => {
    await client.hset(keys.organizations(), { broken: '{', odd: '{"weight":"x"}' });
    expect(await organizations.findMany(['broken', 'odd', 'none'])).toMatchObject([
      { id: 'broken', weight: 1 },
      { id: 'odd', weight: 1 },
    ]);
  });
});

describe('secrets', () => {
  const [old, current] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  const ofKeys = (list: string): SecretSettings => secretSettings.of(settingsOf({ SECRETS_KEY: list }));
  const storeOf = (list: string) => new SecretStore(client, keys, ofKeys(list));
  const readerOf = (list: string) => new SecretReader(client, keys, ofKeys(list));

  it('are in no key of Redis in clear, and only their organization reads them', async () => {
    const value = 'a value that must not be found';
    await storeOf(old!).set({ organization: 'acme', name: 'KEY' }, value);
    expect(await readerOf(old!).read('acme', ['KEY'])).toEqual({ KEY: value });
    for (const form of [value, Buffer.from(value).toString('base64').slice(0, 20)])
      expect(await everythingIn(client)).not.toContain(form);
    await expect(readerOf(old!).read('other', ['KEY'])).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringContaining('The organization other has no secret KEY'),
    });
    await client.hset(
      keys.secretsOf('other'),
      'KEY',
      (await client.hget(keys.secretsOf('acme'), 'KEY')) ?? '',
    );
    await expect(readerOf(old!).read('other', ['KEY'])).rejects.toThrow('is that of another secret');
    await expect(readerOf(current!).read('acme', ['KEY'])).rejects.toThrow('which SECRETS_KEY lacks');
    await client.del(keys.secretsOf('other'));
  });

  it('are lost by no execution while they are encrypted anew and set', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `N${n}`);
    const values = new Map(names.map((name) => [name, `old value of ${name}`]));
    for (const [name, value] of values) await storeOf(old!).set({ organization: 'busy', name }, value);
    const both = `${current},${old}`;
    const over = new AbortController();
    let reads = 0;
    const reading = (async () => {
      while (!over.signal.aborted) {
        const found = await readerOf(both).read('busy', names);
        for (const name of names) expect(found[name]).toMatch(new RegExp(`^(old|new) value of ${name}$`));
        reads += 1;
      }
    })();
    const setting = (async () => {
      for (const name of names.slice(0, 10)) {
        await storeOf(both).set({ organization: 'busy', name }, `new value of ${name}`);
        values.set(name, `new value of ${name}`);
      }
    })();
    const done = await storeOf(both).rotate();
    await setting;
    over.abort();
    await reading;
    expect(reads).toBeGreaterThan(0);
    expect(done.unreadable).toEqual([]);
    expect(await readerOf(current!).read('busy', names)).toEqual(Object.fromEntries(values));
    expect((await storeOf(both).rotate()).rotated).toBe(0);
    expect((await storeOf(both).list('busy')).map(({ key_id }) => key_id)).toEqual(
      names.map(() => done.key_id),
    );
  });

  it('whose key is gone are named, and stay as they are', async () => {
    await storeOf(old!).set({ organization: 'lost', name: 'KEY' }, 'kept');
    const { unreadable } = await storeOf(current!).rotate();
    expect(unreadable).toContainEqual({ organization: 'lost', name: 'KEY', key_id: expect.any(String) });
    expect(await readerOf(old!).read('lost', ['KEY'])).toEqual({ KEY: 'kept' });
  });
});

/** A client that says that it is one of a Cluster, of one server here. */
function clusterLike(of: RedisClient): RedisClient {
  return new Proxy(of, {
    get: (target, name) => {
      if (name === 'isCluster') return true;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
