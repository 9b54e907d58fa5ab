import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  type EmbeddedDatabase,
  joinEmbeddedDatabase,
  NoEmbeddedDatabaseError,
  openEmbeddedDatabase,
} from '../../../src/archive/embedded/embedded-database.js';
import { until } from '../../support/until.js';
import { emptyFolder } from '../../support/archive-parts.js';

let folder = '';
beforeAll(async () => {
  folder = await emptyFolder();
});
const opened: EmbeddedDatabase[] = [];
const pools: pg.Pool[] = [];
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end().catch(() => undefined)));
  await Promise.all(opened.map((database) => database.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const open = async (): Promise<EmbeddedDatabase> => {
  const database = await openEmbeddedDatabase(folder);
  opened.push(database);
  return database;
};
const connect = ({ host }: EmbeddedDatabase): pg.Pool => {
  const pool = new pg.Pool({ host, user: 'postgres', database: 'postgres', max: 5 });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool;
};

describe('the embedded database', () => {
  it('cannot be joined before it is started', async () => {
    await expect(joinEmbeddedDatabase(folder)).rejects.toBeInstanceOf(NoEmbeddedDatabaseError);
  });

  it('is started by the first process and joined by the others of a folder, which share it', async () => {
    const [first, second] = [await open(), await open()];
    expect([first.shared, second.shared]).toEqual([false, true]);
    const [one, other] = [connect(first), connect(second)];
    await one.query('CREATE TABLE t (id text PRIMARY KEY, n integer)');
    await other.query("INSERT INTO t VALUES ('a', 1)");
    expect((await one.query('SELECT * FROM t')).rows).toEqual([{ id: 'a', n: 1 }]);
  });

  it('keeps the queries of its clients apart, large ones and transactions too', async () => {
    const clients = [connect(opened[0]!), connect(opened[1]!)];
    const echo = async (n: number): Promise<boolean> => {
      const text = String(n).repeat(50_000);
      const { rows } = await clients[n % 2]!.query<{ text: string; n: number }>(
        'SELECT $1::text AS text, $2::int AS n',
        [text, n],
      );
      return rows[0]!.text === text && rows[0]!.n === n;
    };
    const transact = async (n: number): Promise<boolean> => {
      const client = await clients[n % 2]!.connect();
      try {
        await client.query('BEGIN');
        await client.query('INSERT INTO t VALUES ($1, $2)', [`tx-${n}`, n]);
        await client.query(n % 3 === 0 ? 'ROLLBACK' : 'COMMIT');
      } finally {
        client.release();
      }
      return true;
    };
    const work = Array.from({ length: 60 }, (_, n) => (n % 2 ? echo(n) : transact(n)));
    expect((await Promise.all(work)).every(Boolean)).toBe(true);
    const { rows } = await clients[0]!.query<{ count: number }>(
      "SELECT count(*)::int FROM t WHERE id LIKE 'tx-%'",
    );
    expect(rows[0]!.count).toBe(20);
  });

  it('goes on after an error, and after a client that left in the middle of a transaction', async () => {
    const pool = connect(opened[0]!);
    await expect(pool.query('SELECT 1/0')).rejects.toThrow('division by zero');
    const leaver = new pg.Client({ host: opened[0]!.host, user: 'postgres', database: 'postgres' });
    leaver.on('error', () => undefined);
    await leaver.connect();
    await leaver.query('BEGIN');
    await leaver.query("INSERT INTO t VALUES ('never', 0)");
    (leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect((await pool.query("SELECT * FROM t WHERE id = 'never'")).rows).toEqual([]);
  });

  it('keeps everything that was committed over the sudden death of its process', async () => {
    const [first] = opened as [EmbeddedDatabase];
    const { rows } = await connect(first).query<{ count: number }>('SELECT count(*)::int FROM t');
    process.kill(first.pid as number, 'SIGKILL');
    await until(() => !isAlive(first.pid as number), { what: 'its process is gone' });
    const next = await open();
    expect(next.shared).toBe(false);
    // The folder of its socket, which it could not remove.
    expect([first.host, next.host].map((host) => existsSync(host))).toEqual([false, true]);
    expect((await connect(next).query('SELECT count(*)::int FROM t')).rows).toEqual(rows);
  });

  it('says why it could not be started, and can be once that has passed', async () => {
    const other = await mkdtemp(join(tmpdir(), 'bifrost-test-archive-'));
    // Where the folder of the data is to be, there is a file.
    await writeFile(join(other, 'data'), '');
    await expect(openEmbeddedDatabase(other)).rejects.toThrow(
      /^the embedded database could not be started: (?!exit code)\w+/,
    );
    await rm(join(other, 'data'));
    const database = await openEmbeddedDatabase(other);
    opened.push(database);
    expect((await connect(database).query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await database.stop();
    await rm(other, { recursive: true });
  });
});
