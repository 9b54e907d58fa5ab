import pg from 'pg';
import type { Chance, Faults } from '../../../src/faults/fault.js';
import { descendantsOf } from '../../../src/lib/process/process-tree.js';
import type { TestPostgres } from '../../support/servers/test-postgres.js';
import { until } from '../../support/until.js';
import { startTcpProxy, type TcpProxy } from '../../../src/faults/silent-proxy.js';
import type { SmallDisk } from '../../support/servers/small-disk.js';

/** The database of a campaign's archive, and the ways in which it can be broken. */
export class PostgresStack {
  readonly faults: Faults;

  private constructor(
    private readonly postgres: TestPostgres,
    private readonly database: string,
    private readonly proxy: TcpProxy,
    disk: SmallDisk | null,
  ) {
    this.faults = {
      'silence Postgres': () => Promise.resolve(this.proxy.silence()),
      'kill Postgres': async ({ random, rest }) => {
        await this.postgres.stop('SIGQUIT');
        await rest(random() * 5_000);
        await this.postgres.start();
      },
      'freeze Postgres': async ({ random, rest }) => {
        const { pid } = this.postgres;
        const all = [pid, ...descendantsOf(pid)];
        for (const one of all) signal(one, 'SIGSTOP');
        await rest(1_000 + random() * 14_000);
        for (const one of all) signal(one, 'SIGCONT');
      },
      'make Postgres read-only': async (chance) => this.readOnly(chance),
      ...(disk ? { 'fill the disk of Postgres': (chance: Chance) => fill(disk, chance) } : {}),
    };
  }

  /** @param disk what the tables are on; null: that of the machine */
  static async on(postgres: TestPostgres, disk: SmallDisk | null): Promise<PostgresStack> {
    const database = await postgres.createDatabase(disk?.folder);
    const proxy = await startTcpProxy(Number(new URL(database).port));
    return new PostgresStack(postgres, database, proxy, disk);
  }

  /** Where the workers find it. */
  get url(): string {
    const url = new URL(this.database);
    url.port = String(this.proxy.port);
    return url.href;
  }

  close(): Promise<void> {
    return this.proxy.close();
  }

  /** Executions that have more or fewer than one row, once the archive has had the time to come to them. */
  async notOnce(ids: readonly string[]): Promise<string[]> {
    return this.asAdmin(async (client) => {
      await until(async () => (await countsIn(client)).size >= ids.length, {
        what: 'the archive has all executions',
      }).catch(() => undefined);
      const counts = await countsIn(client);
      return ids.filter((id) => counts.get(id) !== 1);
    });
  }

  private async readOnly({ random, rest }: Chance): Promise<void> {
    await this.setReadOnly('on');
    await rest(1_000 + random() * 9_000);
    await this.setReadOnly('off');
  }

  private setReadOnly(value: 'on' | 'off'): Promise<void> {
    return this.asAdmin(async (client) => {
      await client.query('SET default_transaction_read_only = off');
      const name = new URL(this.database).pathname.slice(1);
      await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`);
      await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    });
  }

  private async asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.database });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

/** Fills a disk for 1 to 10 s. */
export async function fill(disk: SmallDisk, { random, rest }: Chance): Promise<void> {
  disk.fill();
  await rest(1_000 + random() * 9_000);
  disk.clear();
}

async function countsIn(client: pg.Client): Promise<Map<string, number>> {
  const { rows } = await client.query<{ execution_id: string; count: string }>(
    'SELECT execution_id, count(*) FROM executions GROUP BY execution_id',
  );
  return new Map(rows.map(({ execution_id: id, count }) => [id, Number(count)]));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // A backend may have ended meanwhile.
  }
}
