import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { WorkerAsProcess } from './campaign-worker.js';

/** The program of a worker, as it was built. */
const PROGRAM = new URL('../main.js', import.meta.url);
const READY_MS = 150_000;
/** What a worker said last, for the error of one that does not start. */
const LINES_KEPT = 20;

/** Workers of a campaign, as processes of this machine. None outlives {@link end}. */
export class LocalWorkers {
  private readonly children = new Set<ChildProcess>();

  /** @param environment of each; what a campaign sets wins */
  constructor(private readonly environment: Readonly<Record<string, string | undefined>>) {}

  /**
   * Starts a worker; resolves when it listens.
   * @throws {Error} when it ends before that, or does not listen within 150 s, with what it said last
   */
  async start({ env, args }: { env: Record<string, string>; args: string[] }): Promise<WorkerAsProcess> {
    const child = spawn(process.execPath, [PROGRAM.pathname, ...args], {
      env: { ...this.environment, LOG_FORMAT: 'json', PORT: '0', ROLES: 'worker,api', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    const ended = once(child, 'close').then(([code]) => {
      this.children.delete(child);
      return { code: code as number | null };
    });
    const url = await addressOf(child);
    return {
      pid: child.pid!,
      url,
      stop: async () => {
        child.kill('SIGTERM');
        return ended;
      },
      kill9: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Kills what still runs. */
  end(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const said: string[] = [];
  const fail = (what: string): void =>
    reject(new Error(`a worker ${what}; it said last:\n${said.join('\n')}`));
  const limit = setTimeout(() => fail(`does not listen within ${READY_MS / 1_000} s`), READY_MS);
  child.on('close', (code) => fail(`ended with exit code ${code} before it listened`));
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      if (said.length > LINES_KEPT) said.shift();
      const url = listeningAt(line);
      if (url !== null) resolve(url);
    });
  }
  return promise.finally(() => clearTimeout(limit));
}

function listeningAt(line: string): string | null {
  try {
    const { msg = '', url } = JSON.parse(line) as { msg?: string; url?: string };
    // Without Redis it has only its probes, at the same address.
    return /listening|waits for Redis/.test(msg) && url !== undefined ? url : null;
  } catch {
    return null;
  }
}
