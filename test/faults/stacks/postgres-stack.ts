import pg from 'pg';
import { childrenOf } from '../../support/processes/footprint.js';
import type { TestPostgres } from '../../support/servers/test-postgres.js';
import { until } from '../../support/until.js';
import type { Chance, MakeFault } from './redis-stack.js';

/** The database of a campaign's archive, and the ways in which it can be broken. */
export class PostgresStack {
  readonly faults: Readonly<Record<string, MakeFault>> = {
    'kill Postgres': async ({ random, rest }) => {
      await this.postgres.stop('SIGQUIT');
      await rest(random() * 5_000);
      await this.postgres.start();
    },
    'freeze Postgres': async ({ random, rest }) => {
      const { pid } = this.postgres;
      const all = [pid, ...childrenOf(pid)];
      for (const one of all) signal(one, 'SIGSTOP');
      await rest(1_000 + random() * 14_000);
      for (const one of all) signal(one, 'SIGCONT');
    },
    'make Postgres read-only': async (chance) => this.readOnly(chance),
  };

  constructor(
    private readonly postgres: TestPostgres,
    readonly url: string,
  ) {}

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
      const name = new URL(this.url).pathname.slice(1);
      await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`);
      await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    });
  }

  private async asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
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
