import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';
import { dataArgs, freePorts, RedisProcess } from './redis-process.js';

const PRIMARY = 'faults';
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 5_000;

/** A primary, two replicas and three Sentinels that replace the primary when it has been silent for 2 s. */
export class RedisSentinel {
  private folder = '';
  private servers: RedisProcess[] = [];
  private sentinels: RedisProcess[] = [];

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${PRIMARY}`;
  }

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'bifrost-test-sentinel-'));
    const ports = await freePorts(6);
    const [first = 0] = ports;
    for (const port of ports.slice(0, 3)) {
      const dir = join(this.folder, String(port));
      await mkdir(dir);
      const role = port === first ? [] : ['--replicaof', '127.0.0.1', String(first)];
      this.servers.push(new RedisProcess(port, [...dataArgs(port, dir), ...role]));
    }
    await Promise.all(this.servers.map((server) => server.start()));
    for (const port of ports.slice(3)) {
      const file = join(this.folder, `sentinel-${port}.conf`);
      await writeFile(file, sentinelFile(port, first, this.folder));
      this.sentinels.push(new RedisProcess(port, [file, '--sentinel']));
    }
    await Promise.all(this.sentinels.map((sentinel) => sentinel.start()));
    await this.untilWhole();
  }

  /**
   * Has the primary fail in that way and resolves with the time (Unix milliseconds) at which the Sentinels named
   * another. The old one has not come back by then: {@link restore}.
   */
  async failPrimary(how: 'freeze' | 'kill'): Promise<{ old: RedisProcess; promotedAtMs: number }> {
    const old = await this.primary();
    if (how === 'freeze') old.freeze();
    else await old.kill9();
    await until(async () => (await this.primary()) !== old, { what: 'the Sentinels name another primary' });
    return { old, promotedAtMs: Date.now() };
  }

  /** The three that watch the primary. */
  get watchers(): readonly RedisProcess[] {
    return this.sentinels;
  }

  /** Brings the old primary back, which becomes a replica, and waits until both replicas follow. */
  async restore(old: RedisProcess, how: 'freeze' | 'kill'): Promise<void> {
    if (how === 'freeze') old.thaw();
    else await old.start();
    await this.untilWhole();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.dispose()));
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  private async primary(): Promise<RedisProcess> {
    const answer = await this.sentinels[0]?.ask('SENTINEL', 'get-master-addr-by-name', PRIMARY);
    const port = Number((answer as [string, string])[1]);
    const found = this.servers.find((server) => server.port === port);
    if (!found) throw new Error(`no server of ours is on port ${port}`);
    return found;
  }

  private async untilWhole(): Promise<void> {
    await until(
      async () => {
        const info = String(await (await this.primary()).ask('INFO', 'replication'));
        const known = await Promise.all(
          this.sentinels.map((sentinel) => sentinel.ask('SENTINEL', 'replicas', PRIMARY)),
        );
        return (
          info.includes('role:master') &&
          (info.match(/state=online/g) ?? []).length === 2 &&
          known.every((replicas) => (replicas as unknown[]).length === 2)
        );
      },
      { what: 'the primary has both replicas' },
    );
  }
}

const sentinelFile = (port: number, primary: number, dir: string): string =>
  [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${PRIMARY} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${PRIMARY} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${PRIMARY} ${FAILOVER_TIMEOUT_MS}`,
    `sentinel parallel-syncs ${PRIMARY} 2`,
    '',
  ].join('\n');
