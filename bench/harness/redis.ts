import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';
import { endWithThisProcess } from './own-processes.ts';

/** A redis-server of this run. */
export interface BenchRedis {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts one that ends with this process.
 * @param persistent with the persistence that BullMQ recommends: AOF, synced every second
 */
export async function startRedis({ persistent = true } = {}): Promise<BenchRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-redis-'));
  const port = await freePort();
  const options = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    appendonly: persistent ? 'yes' : 'no',
    appendfsync: 'everysec',
    save: '',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithThisProcess(server);
  await untilReady(server);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: server.pid as number,
    async stop() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(server: ChildProcess): Promise<void> {
  const { stdout } = server;
  if (!stdout) throw new Error('redis-server has no output');
  for await (const line of createInterface({ input: stdout })) {
    if (!line.includes('Ready to accept')) continue;
    stdout.resume();
    return;
  }
  throw new Error('redis-server ended before it was ready');
}
