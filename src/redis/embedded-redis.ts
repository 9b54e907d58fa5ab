import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineEnvironment } from '../config/machine-environment.js';
import { openRedis } from './connections.js';

/** A redis-server of this process. */
export interface EmbeddedRedis {
  url: string;
  pid: number;
  /** Ends the server after it has written its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface EmbeddedRedisOptions {
  /** Where its data is; made when absent. */
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** Default: `redis-server` from PATH. */
  binary?: string;
  /** Default true: append-only file, so that a restart finds everything. */
  persistent?: boolean;
}

/** It answers when it has read its data, which may be much; its end before that is noticed at once. */
const START_TIMEOUT_MS = 120_000;
/** The guard's exit code for a data folder that another server holds; EX_TEMPFAIL. */
const LOCKED = 75;

/** The data folder belongs to a redis-server that is running. */
export class EmbeddedRedisBusyError extends Error {
  override name = 'EmbeddedRedisBusyError';
}

/**
 * The shell stands between us and the server: its standard input is a pipe from this process, which
 * ends when this process ends, however that happens; then it stops the server. It ends when the server
 * does. A process group of its own keeps Ctrl-C away from it, so that the worker can drain first.
 */
const GUARD = [
  // Two servers would spoil one another's append-only file: the lock is held as long as the server lives.
  'if [ -n "$LOCK_FILE" ] && command -v flock >/dev/null; then exec 9>"$LOCK_FILE"; flock -n 9 || exit 75; fi',
  'command -v "$1" >/dev/null || exit 127',
  'exec 3<&0',
  '"$@" 3<&- & server=$!',
  'echo $server',
  '(read -r _ <&3; kill $server) 2>/dev/null & watch=$!',
  'wait $server; code=$?',
  'kill $watch 2>/dev/null; exit $code',
].join('\n');

/**
 * Starts a redis-server on a loopback port for development and tests.
 * @throws {Error} with the three ways out when there is no such binary.
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  if (options.port !== undefined) return startOn(options.port, options);
  try {
    return await startOn(await freePort(), options);
  } catch (error) {
    if (!(error instanceof EarlyEndError)) throw error;
    // Another program may have taken the port before the server did.
    return startOn(await freePort(), options);
  }
}

/** The server ended before it answered. */
class EarlyEndError extends Error {}

async function startOn(port: number, options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const binary = options.binary ?? 'redis-server';
  const guard = spawn('/bin/sh', ['-c', GUARD, 'redis-guard', binary, ...serverArgs(options, port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...machineEnvironment(),
      LOCK_FILE: (options.persistent ?? true) ? join(options.dataDir, 'lock') : '',
    },
    detached: true,
  });
  const exited = once(guard, 'exit') as Promise<[number | null]>;
  const [pid] = await Promise.race([
    (once(guard.stdout, 'data') as Promise<[Buffer]>).then(([line]) => [Number.parseInt(String(line), 10)]),
    exited.then(([code]) => {
      if (code === LOCKED)
        throw new EmbeddedRedisBusyError(`${options.dataDir} is in use by another redis-server`);
      throw new Error(
        code === 127 ? missingBinary(binary) : `${binary} could not be started (exit code ${code})`,
      );
    }),
  ]);
  guard.stdout.resume();
  const given = new AbortController();
  try {
    await Promise.race([
      untilReady(`redis://127.0.0.1:${port}`, given.signal),
      exited.then(() => {
        throw new EarlyEndError(`${binary} ended before it was ready; is ${options.dataDir} usable?`);
      }),
    ]);
  } catch (error) {
    given.abort();
    guard.stdin.end();
    throw error;
  }
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  (guard.stdout as unknown as { unref(): void }).unref();
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: pid as number,
    async stop() {
      guard.ref();
      guard.stdin.end();
      if (guard.exitCode === null && guard.signalCode === null) await exited;
    },
  };
}

function serverArgs(options: EmbeddedRedisOptions, port: number): string[] {
  const persistent = options.persistent ?? true;
  const server = {
    port: String(port),
    bind: '127.0.0.1',
    dir: options.dataDir,
    loglevel: 'warning',
    logfile: persistent ? 'redis.log' : '/dev/null',
    'maxmemory-policy': 'noeviction',
    save: '',
    appendonly: persistent ? 'yes' : 'no',
  };
  return Object.entries(server).flatMap(([name, value]) => [`--${name}`, value]);
}

async function untilReady(url: string, givenUp: AbortSignal): Promise<void> {
  const client = openRedis(url, 'impatient', 'bifrost-embedded-check');
  client.on('error', () => undefined);
  const deadline = performance.now() + START_TIMEOUT_MS;
  try {
    while (!givenUp.aborted) {
      const pong = await client.ping().catch(() => undefined);
      if (pong === 'PONG') return;
      if (performance.now() > deadline)
        throw new Error(`redis-server did not answer within ${START_TIMEOUT_MS} ms`);
      await sleep(20);
    }
  } finally {
    client.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const missingBinary = (binary: string): string =>
  [
    `"${binary}" was not found, and REDIS_URL is not set. One of these helps:`,
    '  REDIS_URL=redis://host:6379 npm start   use a Redis that you have',
    '  docker compose up -d redis              and REDIS_URL=redis://127.0.0.1:6379',
    '  apt-get install -y redis-server         (or valkey, brew install redis, …)',
  ].join('\n');
