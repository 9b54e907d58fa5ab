import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { requireFreshBuild, WORKER_ENTRY } from './built-worker.js';
import { observe, until, type Witness } from '../until.js';

const READY_TIMEOUT_MS = 150_000;
const EXIT_TIMEOUT_MS = 150_000;
const TAIL_LINES = 40;

/** How a process ended; one of the two is null. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One line of the worker's log, as JSON. */
export type LogLine = Record<string, unknown> & { msg?: string };

export interface WorkerOptions {
  /** Settings; of this process's environment only PATH, HOME and RUNNER_START reach the worker. */
  env: Record<string, string>;
  args?: string[];
  /** Entry point of another build; default: that of this checkout. */
  main?: string;
}

/**
 * Settings by which few processes serve many executions. For tests of what does not depend on the runner, where a
 * process for each execution is most of what they cost. Code that uses the network has its runner replaced all the same.
 */
export const REUSED_RUNNERS: Readonly<Record<string, string>> = {
  // More than a test has, and fewer than those for which a template rehearses for long.
  RUNNER_MAX_EXECUTIONS: '500',
  RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
};

/** A built worker as a process of its own, the way it runs in production. */
export class WorkerProcess implements Witness {
  /** Every log line so far that is JSON. */
  readonly logs: LogLine[] = [];
  /** Everything that it wrote so far, both streams, line by line. */
  readonly output: string[] = [];
  private readonly ended: Promise<Exit>;
  private readonly child: ChildProcess;
  private mayEnd = false;
  private address = '';

  constructor({ env, args = [], main = WORKER_ENTRY }: WorkerOptions) {
    this.child = spawn(process.execPath, ['--enable-source-maps', main, ...args], {
      env: {
        ...pick(process.env, ['PATH', 'HOME', 'RUNNER_START']),
        LOG_FORMAT: 'json',
        PORT: '0',
        // No archive unless a test asks for one: it would start a database for each worker.
        ROLES: 'worker,api',
        // As many as executions at once would be booted with each worker, and most tests use few.
        SPARE_RUNNERS: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream! }).on('line', (line) => this.read(line));
    }
    this.ended = once(this.child, 'close').then(([code, signal]): Exit => ({ code, signal }));
  }

  /** Settles when the process has ended, which it may from now on, and its output has been read. */
  get exited(): Promise<Exit> {
    this.mayEnd = true;
    return this.ended;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Where its HTTP API is, as the log says. */
  get url(): string {
    if (!this.address) throw new Error('the worker is not listening yet');
    return this.address;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until it listens; an end before that is an error that shows what it said. */
  async ready(): Promise<void> {
    await until(() => this.address || !this.running, {
      timeoutMs: READY_TIMEOUT_MS,
      what: 'a worker logs that it is listening',
    }).catch((error: unknown) => this.complain('is not ready', error));
    if (!this.address) this.complain('ended before it was ready');
  }

  /** Sends a signal and waits for the end, which is the caller's to judge. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.mayEnd = true;
    if (this.running) this.child.kill(signal);
    await until(() => !this.running, {
      timeoutMs: EXIT_TIMEOUT_MS,
      what: `a worker ends after ${signal}`,
    }).catch((error: unknown) => this.complain(`did not end after ${signal}`, error));
    return this.exited;
  }

  /** Ends it as a crash of the machine would: without a chance to do anything. */
  async kill9(): Promise<void> {
    this.mayEnd = true;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  assertWell(): void {
    const { exitCode, signalCode } = this.child;
    // Another test may have told all workers to stop.
    const stopped = exitCode === 0 && this.logs.some(({ msg }) => msg === 'stopped');
    if (!this.running && !this.mayEnd && !stopped)
      this.complain(`ended by itself (${signalCode ?? exitCode})`);
  }

  lastWords(): string {
    return this.running ? `worker ${this.pid} said last:\n${this.tail}` : '';
  }

  private read(line: string): void {
    this.output.push(line);
    const entry = parseLog(line);
    if (!entry) return;
    this.logs.push(entry);
    const { msg = '', url } = entry;
    // Without Redis it has only its probes; that is said at the same address.
    if (/listening|waits for Redis/.test(msg) && typeof url === 'string') this.address = url;
  }

  private complain(what: string, cause?: unknown): never {
    throw new Error(`the worker ${what}; it said last:\n${this.tail}`, { cause });
  }

  private get tail(): string {
    return this.output.slice(-TAIL_LINES).join('\n') || '(nothing)';
  }
}

function parseLog(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

const pick = (env: NodeJS.ProcessEnv, names: string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));

/**
 * Starts workers for the suite that calls it. Whatever a test does, none outlives the suite, or the test with
 * `'each test'`: an idle worker takes most of a hundredth of a processor.
 * The returned function resolves when the worker listens.
 */
export function useWorkers(
  scope: 'suite' | 'each test' = 'suite',
): (options: WorkerOptions) => Promise<WorkerProcess> {
  const workers: WorkerProcess[] = [];
  beforeAll(requireFreshBuild);
  const whenOver = scope === 'suite' ? afterAll : afterEach;
  whenOver(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.kill9()));
  });
  return async (options) => {
    const worker = new WorkerProcess(options);
    workers.push(worker);
    await worker.ready();
    observe(worker);
    return worker;
  };
}
