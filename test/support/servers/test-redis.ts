import { afterAll, beforeAll } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRedis, type Patience, type RedisClient } from '../../../src/redis/connections.js';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../../src/redis/embedded-redis.js';

/** A redis-server of one suite, in a folder of its own. */
export class TestRedis {
  private server: EmbeddedRedis | undefined;
  private readonly clients: RedisClient[] = [];
  private readonly cleanups: (() => unknown)[] = [];
  private dataDir = '';
  private port: number | undefined;

  /** persistent: keeps its data over {@link stop} and {@link start}, for tests of an outage. */
  constructor(private readonly persistent: boolean) {}

  /** Starts the server, again on the port that it had before. */
  async start(): Promise<void> {
    this.dataDir ||= await mkdtemp(join(tmpdir(), 'bifrost-test-redis-'));
    this.server = await startEmbeddedRedis({
      dataDir: this.dataDir,
      persistent: this.persistent,
      ...(this.port === undefined ? {} : { port: this.port }),
    });
    this.port = Number(new URL(this.server.url).port);
  }

  /** Ends the server: from here on connections are refused. */
  async stop(): Promise<void> {
    await this.server?.stop();
    this.server = undefined;
  }

  get url(): string {
    if (this.port === undefined) throw new Error('the redis-server of this suite has not been started yet');
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (!this.server) throw new Error('the redis-server of this suite is not running');
    return this.server.pid;
  }

  /** Opens a connection that ends with the suite. */
  connect(patience: Patience = 'patient'): RedisClient {
    const client = openRedis(this.url, patience, 'bifrost-test');
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  /**
   * Does this before the connections and the server end, the newest first: for what needs Redis to
   * end well. Jest runs `afterAll` in the order of definition, so a hook of one's own would come too late.
   */
  onDispose(cleanup: () => unknown): void {
    this.cleanups.push(cleanup);
  }

  /** Runs the cleanups, ends the connections and the server and removes the data. */
  async dispose(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).toReversed()) await cleanup();
    // Ended already: a second disconnect would only leave a timer that keeps Jest from exiting.
    for (const client of this.clients.splice(0)) if (client.status !== 'end') client.disconnect();
    await this.stop();
    if (this.dataDir) await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Gives the suite that calls it a redis-server, from before its first test until after its last. */
export function useRedis(options: { persistent?: boolean } = {}): TestRedis {
  const redis = new TestRedis(options.persistent ?? false);
  beforeAll(() => redis.start());
  afterAll(() => redis.dispose());
  return redis;
}
