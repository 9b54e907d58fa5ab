import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithThisProcess } from './own-processes.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

/** A built worker as a process of its own. */
export interface BuiltWorker {
  /** Where its API is. */
  url: string;
  pid: number;
  /** Ends it and waits for that; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a worker that ends with this process; resolves when it is ready.
 * @param env settings; nothing else of this process's environment but PATH and HOME reaches it
 * @param main compiled entry point; by default that of this checkout
 * @throws {Error} when it ends before that
 */
export async function startWorker(
  id: string,
  env: Record<string, string>,
  main = MAIN,
): Promise<BuiltWorker> {
  const worker = spawn(process.execPath, [main, '--id', id], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LOG_FORMAT: 'json',
      PORT: '0',
      ROLES: 'worker,api',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithThisProcess(worker);
  for await (const line of createInterface({ input: worker.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string };
    if (!entry.msg?.includes('listening') || !entry.url) continue;
    worker.stdout.resume();
    while (!(await fetch(`${entry.url}/health/ready`)).ok) await sleep(50);
    return { url: entry.url, pid: worker.pid as number, stop: () => stop(worker) };
  }
  throw new Error(`the worker ${id} ended before it was ready`);
}

async function stop(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exited = once(worker, 'exit');
  worker.kill('SIGTERM');
  await exited;
}
