import { afterAll, beforeAll } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import pg from 'pg';
import { templateFolder } from '../template-folder.js';
import { until } from '../until.js';

/** Debian keeps the server's programs out of PATH, a folder for each version. */
const DEBIAN_BINARIES = '/usr/lib/postgresql/*/bin/initdb';
const SERVER_USERS = ['postgres', 'nobody'];

/** A Postgres server of one suite, in a folder of its own, that can be stopped and started again. */
export class TestPostgres {
  private server: ChildProcess | undefined;
  private dataDir = '';
  private port = 0;
  private readonly bin = findBinaries();
  private readonly user = serverUser();

  /**
   * A database of its own on this server, empty; the URL that leads to it.
   * @param folder where its tables are; left out: with everything else of the server
   */
  async createDatabase(folder?: string): Promise<string> {
    const name = `t_${randomUUID().replaceAll('-', '')}`;
    const admin = new pg.Client({ connectionString: this.urlOf('postgres') });
    await admin.connect();
    if (folder !== undefined) {
      const tables = mkdtempSync(join(folder, 'tables-'));
      if (this.user) chownSync(tables, this.user.uid, this.user.gid);
      await admin.query(`CREATE TABLESPACE ${name} LOCATION '${tables}'`);
    }
    await admin.query(`CREATE DATABASE ${name}${folder === undefined ? '' : ` TABLESPACE ${name}`}`);
    await admin.end();
    return this.urlOf(name);
  }

  /** Starts the server, again on the port that it had before. */
  async start(): Promise<void> {
    if (!this.dataDir) await this.initialise();
    this.port ||= await freePort();
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      'unix_socket_directories=',
      'fsync=off',
    ];
    this.server = this.spawn('postgres', ['-D', this.dataDir, ...settings.flatMap((one) => ['-c', one])]);
    await until(() => this.answers(), {
      timeoutMs: 30_000,
      what: 'the Postgres server of this suite answers',
    });
  }

  /** Ends the server at once, as `pg_ctl stop -m fast`; connections break. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  }

  /** Process of the server, the parent of those that serve connections. */
  get pid(): number {
    if (!this.server?.pid) throw new Error('the Postgres server of this suite is not running');
    return this.server.pid;
  }

  async dispose(): Promise<void> {
    await this.stop();
    if (this.dataDir) rmSync(dirname(this.dataDir), { recursive: true, force: true });
  }

  private urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** A copy of a data folder that is made once. */
  private async initialise(): Promise<void> {
    const version = /\d+(?=\/bin$)/.exec(this.bin)?.[0] ?? 'path';
    const template = await templateFolder(`postgres-${version}`, (path) => {
      const made = mkdtempSync(join(tmpdir(), 'bifrost-test-initdb-'));
      if (this.user) chownSync(made, this.user.uid, this.user.gid);
      const args = ['-D', made, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
      execFileSync(join(this.bin, 'initdb'), args, { stdio: 'pipe', cwd: tmpdir(), ...this.user });
      execFileSync('cp', ['-a', made, join(path, 'data')]);
      rmSync(made, { recursive: true, force: true });
    });
    const own = mkdtempSync(join(tmpdir(), 'bifrost-test-postgres-'));
    if (this.user) chownSync(own, this.user.uid, this.user.gid);
    this.dataDir = join(own, 'data');
    execFileSync('cp', ['-a', join(template, 'data'), this.dataDir]);
  }

  private spawn(program: string, args: string[]): ChildProcess {
    return spawn(join(this.bin, program), args, { stdio: 'ignore', cwd: tmpdir(), ...this.user });
  }

  private async answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.urlOf('postgres'), connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Gives the suite that calls it a Postgres server, from before its first test until after its last. */
export function usePostgres(): TestPostgres {
  const postgres = new TestPostgres();
  beforeAll(() => postgres.start());
  afterAll(() => postgres.dispose());
  return postgres;
}

function findBinaries(): string {
  const version = (path: string): number => Number(/(\d+)\/bin/.exec(path)?.[1] ?? 0);
  const debian = globSync(DEBIAN_BINARIES).toSorted((a, b) => version(b) - version(a));
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => globSync(join(dir, 'initdb')));
  const found = debian[0] ?? onPath[0];
  if (found) return join(found, '..');
  throw new Error(
    'there is no Postgres server for this test: apt-get install -y postgresql (as root), or brew install postgresql',
  );
}

/** Postgres refuses to be root. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of SERVER_USERS) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { stdio: 'pipe' })),
      );
      return { uid: uid as number, gid: gid as number };
    } catch {
      // The next one.
    }
  }
  throw new Error('there is neither a user "postgres" nor "nobody" to run Postgres as');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
