import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { builtAhead } from '../../lib/bundle/built-ahead.js';
import { machineEnvironment } from '../../config/machine-environment.js';

/** A connection to the embedded database of a folder. */
export interface EmbeddedDatabase {
  /** Folder of its socket: what a Postgres client takes as its host. */
  host: string;
  /** True: another process started it, and it ends with that one. */
  shared: boolean;
  /** Of the server, where it is ours. */
  pid: number | null;
  /** Ends the server if it is ours; safe to call twice. */
  stop(): Promise<void>;
}

/** No database is served in this folder, and this process is not to start one. */
export class NoEmbeddedDatabaseError extends Error {
  override name = 'NoEmbeddedDatabaseError';
}

const LOCKED = 75;
const SOCKET_FOLDER = 'bifrost-archive-';
const JOIN_TIMEOUT_MS = 15_000;
const POLL_MS = 100;
// Run as it is by tests, which import sources, and compiled everywhere else.
const SOURCE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'embedded-server.ts' : 'embedded-server.js', import.meta.url),
);
const program = (): string => builtAhead('embedded-server.mjs') ?? SOURCE;

/** Two servers would spoil one another's files: the lock is held as long as the program lives. */
const WITH_LOCK =
  'if command -v flock >/dev/null; then exec 9>"$LOCK_FILE"; flock -n 9 || exit 75; fi; exec "$@"';

/**
 * The database of a folder, which needs no installed server: starts it, or joins the one that another
 * process of this folder has started.
 * @throws {Error} when the one that holds the folder does not answer.
 */
export async function openEmbeddedDatabase(folder: string): Promise<EmbeddedDatabase> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = await startServer(folder);
  if (own) return own;
  const deadline = performance.now() + JOIN_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const joined = await joinEmbeddedDatabase(folder).catch(() => null);
    if (joined) return joined;
    await sleep(POLL_MS);
  }
  throw new Error(`${folder} is in use by a process that does not answer; end it, or set DATABASE_URL`);
}

/**
 * The database that another process serves in a folder.
 * @throws {NoEmbeddedDatabaseError} when none does.
 */
export async function joinEmbeddedDatabase(folder: string): Promise<EmbeddedDatabase> {
  const host = await readFile(noteOf(folder), 'utf8').catch(() => '');
  if (host === '' || !(await answers(host))) {
    throw new NoEmbeddedDatabaseError(`no archive is kept in ${folder} at the moment`);
  }
  return { host, shared: true, pid: null, stop: () => Promise.resolve() };
}

/** Where the server of a folder notes its socket; a socket's own path must be short, so it is elsewhere. */
const noteOf = (folder: string): string => join(folder, 'socket');

/** Null when another process holds the folder. */
async function startServer(folder: string): Promise<EmbeddedDatabase | null> {
  const host = await mkdtemp(join(tmpdir(), SOCKET_FOLDER));
  const lockFile = join(folder, 'lock');
  const command = [process.execPath, program(), join(folder, 'data'), host, lockFile];
  const child = spawn('/bin/sh', ['-c', WITH_LOCK, 'archive-database', ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...machineEnvironment(), LOCK_FILE: lockFile },
    // Away from Ctrl-C, so that the worker can end first.
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const said = once(child.stdout, 'data').then(([data]) => String(data as Buffer).trim());
  const outcome = await Promise.race([said, exited]);
  if (outcome !== 'ready') {
    // Until then it holds the lock.
    await exited;
    await rm(host, { recursive: true, force: true });
    if (outcome[0] === LOCKED) return null;
    const why = typeof outcome === 'string' ? outcome.replace(/^failed /, '') : `exit code ${outcome[0]}`;
    throw new Error(`the embedded database could not be started: ${why}`);
  }
  // The lock is ours: the process that noted another socket was killed, and left its folder.
  const former = await readFile(noteOf(folder), 'utf8').catch(() => '');
  if (former.startsWith(join(tmpdir(), SOCKET_FOLDER))) await rm(former, { recursive: true, force: true });
  await writeFile(noteOf(folder), host);
  child.stdout.resume();
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
  return {
    host,
    shared: false,
    pid: child.pid ?? null,
    async stop() {
      child.ref();
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await exited;
      await rm(host, { recursive: true, force: true });
    },
  };
}

/** Whether something listens on the socket in this folder. */
async function answers(host: string): Promise<boolean> {
  const socket = createConnection(join(host, '.s.PGSQL.5432'));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
