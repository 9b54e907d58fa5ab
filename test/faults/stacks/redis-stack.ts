import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance, Faults } from '../../../src/faults/fault.js';
import { targetOf } from '../../../src/faults/own-stack.js';
import type { TcpTarget } from '../../../src/faults/silent-proxy.js';
import { openRedis, type RedisClient } from '../../../src/redis/connections.js';
import type { RedisSource } from '../../support/producer.js';
import { pick } from '../../../src/faults/seeded-random.js';
import { RedisClusterGroup } from '../../support/servers/redis-cluster.js';
import { RedisSentinel } from '../../support/servers/redis-sentinel.js';
import { TestRedis } from '../../support/servers/test-redis.js';

/** The Redis of a campaign, and the ways in which it can be broken. */
export interface RedisStack extends RedisSource {
  readonly url: string;
  readonly keyPrefix: string;
  /** Where a proxy can lead to; null: the clients must find the servers themselves. */
  readonly target: TcpTarget | null;
  readonly faults: Faults;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * A frozen primary that wakes once another was promoted acknowledges what had been sent to it before, and forgets that
 * as it becomes a replica: Redis promises no more. After this time every client has left it.
 */
const FROZEN_MS = 10_000;
const CLUSTER_PREFIX = '{faults}:';
const SLOTS = 16_384;

/** `server`, `sentinel` and `cluster` are started here; everything else is the URL of a Redis that runs, and that is not broken. */
export function redisStackOf(name: string): RedisStack {
  switch (name) {
    case 'server':
      return new OneServer(new TestRedis(true));
    case 'sentinel': {
      const sentinel = new RedisSentinel();
      return new Group(sentinel, '', ({ group, how }) => group.failPrimary(how), sentinelFaults(sentinel));
    }
    case 'cluster':
      // Half of the time the primary that holds all keys of the worker, which share one slot.
      return new Group(new RedisClusterGroup(), CLUSTER_PREFIX, ({ group, how, random }) =>
        group.failPrimary(how, random() < 0.5 ? CLUSTER_SLOT : Math.floor(random() * SLOTS)),
      );
    default:
      return new GivenRedis(name);
  }
}

/** Two of three are enough to name another primary. */
const sentinelFaults = (sentinel: RedisSentinel): Faults => ({
  'freeze a Sentinel': async ({ random, rest }) => {
    const one = pick(random, sentinel.watchers);
    one.freeze();
    await rest(1_000 + random() * 14_000);
    one.thaw();
  },
  'restart a Sentinel': async ({ random, rest }) => {
    const one = pick(random, sentinel.watchers);
    await one.kill9();
    await rest(random() * 3_000);
    await one.start();
  },
});

/** That of `{faults}`: CRC16 of its tag, as CLUSTER KEYSLOT says. */
export const CLUSTER_SLOT = 15_143;

/** The redis-server of a suite, whose life is that of the suite's. */
export class OneServer implements RedisStack {
  readonly keyPrefix = '';
  readonly faults: Faults = {
    'freeze Redis': async ({ random, rest }: Chance): Promise<void> => {
      const { pid } = this.redis;
      process.kill(pid, 'SIGSTOP');
      await rest(1_000 + random() * 9_000);
      process.kill(pid, 'SIGCONT');
    },
    'restart Redis': async ({ random, rest }: Chance): Promise<void> => {
      await this.redis.stop();
      await rest(random() * 3_000);
      await this.redis.start();
    },
    'have Redis lack replicas': (chance) =>
      this.refuseWrites(chance, [
        ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
        ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
      ]),
    'have Redis lack memory': (chance) =>
      this.refuseWrites(chance, [
        ['CONFIG', 'SET', 'maxmemory', '1'],
        ['CONFIG', 'SET', 'maxmemory', '0'],
      ]),
    // Of a primary that nothing listens for: it keeps its data.
    'make Redis a replica': (chance) =>
      this.refuseWrites(chance, [
        ['REPLICAOF', '127.0.0.1', '1'],
        ['REPLICAOF', 'NO', 'ONE'],
      ]),
  };

  constructor(private readonly redis: TestRedis) {}

  get url(): string {
    return this.redis.url;
  }

  get target(): TcpTarget {
    return targetOf(this.redis.url)!;
  }

  connect(): RedisClient {
    return this.redis.connect();
  }

  start(): Promise<void> {
    return this.redis.start();
  }

  dispose(): Promise<void> {
    return this.redis.dispose();
  }

  /** Has it answer everything but writes for 1 to 15 s: by the first command, until the second. */
  private async refuseWrites({ random, rest }: Chance, [begin, end]: [string[], string[]]): Promise<void> {
    const client = this.redis.connect();
    const send = ([name = '', ...args]: string[]): Promise<unknown> => client.call(name, ...args);
    await send(begin);
    await rest(1_000 + random() * 14_000);
    await send(end);
    client.disconnect();
  }
}

/** A Redis by its URL: the connections that are opened to it. */
abstract class ByUrl {
  abstract readonly url: string;
  private readonly clients: RedisClient[] = [];

  connect(): RedisClient {
    const client = openRedis(this.url, 'patient', 'bifrost-faults');
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  protected disconnect(): void {
    for (const client of this.clients.splice(0)) if (client.status !== 'end') client.disconnect();
  }
}

/** Somebody's own Redis: the workers are broken, and it is not. Every key is under a prefix of its own. */
class GivenRedis extends ByUrl implements RedisStack {
  readonly keyPrefix = CLUSTER_PREFIX;
  readonly faults = {};

  constructor(readonly url: string) {
    super();
  }

  get target(): TcpTarget | null {
    return targetOf(this.url);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async dispose(): Promise<void> {
    this.disconnect();
    return Promise.resolve();
  }
}

interface Failing<T> {
  group: T;
  how: 'freeze' | 'kill';
  random: () => number;
}

/** Servers of which another takes over when one fails. */
class Group<T extends RedisSentinel | RedisClusterGroup> extends ByUrl implements RedisStack {
  readonly target = null;
  readonly faults: Faults;

  constructor(
    readonly group: T,
    readonly keyPrefix: string,
    private readonly failPrimary: (failing: Failing<T>) => ReturnType<RedisSentinel['failPrimary']>,
    more: Faults = {},
  ) {
    super();
    this.faults = {
      'freeze a primary': (chance) => this.fail('freeze', chance),
      'kill a primary': (chance) => this.fail('kill', chance),
      ...more,
    };
  }

  get url(): string {
    return this.group.url;
  }

  start(): Promise<void> {
    return this.group.start();
  }

  async dispose(): Promise<void> {
    this.disconnect();
    await this.group.dispose();
  }

  private async fail(how: 'freeze' | 'kill', { random, rest }: Chance): Promise<void> {
    const failedMs = performance.now();
    const { old } = await this.failPrimary({ group: this.group, how, random });
    const aloneMs = how === 'freeze' ? FROZEN_MS - (performance.now() - failedMs) : 0;
    if (aloneMs > 0) await sleep(aloneMs);
    await rest(random() * 3_000);
    await this.group.restore(old, how);
  }
}
