import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CpuAccount, openCpuAccount } from './cpu-account.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const STOP_TIMEOUT_MS = 5_000;

/** Process groups that must not outlive this process. */
const groups = new Set<number>();
process.on('exit', () => groups.forEach(killGroup));

/** A program that takes jobs from a BullMQ queue. */
export interface Contestant {
  name: string;
  /** Arguments of node. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Puts each result on the queue of the same name with the suffix `-results`. */
  results: boolean;
  /** Takes executions: their context is in Redis, their modules are published. */
  product: boolean;
}

export interface StartOptions {
  redis: string;
  /** Folder of the work files. */
  work: string;
  concurrency: number;
  /** Unique to this start: name of the queue and prefix of the product's keys. */
  id: string;
  /** For node itself, such as --cpu-prof. */
  nodeArgs?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** A contestant that runs, in a process group of its own. */
export class Running {
  readonly queueName: string;
  readonly prefix: string;
  /** Milliseconds from its start until it said that it takes work. */
  bootMs = 0;
  /** HTTP API of the product. */
  url = '';
  readonly contestant: Contestant;
  readonly options: StartOptions;
  /** Of it and everything that it starts. */
  readonly cpu: CpuAccount;
  private readonly child: ChildProcess;

  private constructor(contestant: Contestant, options: StartOptions) {
    this.contestant = contestant;
    this.options = options;
    const { id, redis, work, concurrency, nodeArgs = [] } = options;
    this.queueName = id;
    this.prefix = contestant.product ? `${id}:bull` : 'bull';
    this.child = spawn(process.execPath, [...nodeArgs, ...contestant.args], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        NODE_ENV: 'production',
        REDIS_URL: redis,
        QUEUE_NAME: id,
        KEY_PREFIX: `${id}:`,
        CONCURRENCY: String(concurrency),
        WORK: work,
        ...contestant.env,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    this.cpu = openCpuAccount(this.pid);
    groups.add(this.pid);
  }

  static async start(contestant: Contestant, options: StartOptions): Promise<Running> {
    const startedAt = performance.now();
    const running = new Running(contestant, options);
    await running.untilReady();
    running.bootMs = performance.now() - startedAt;
    return running;
  }

  get name(): string {
    return this.contestant.name;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Asks it to end, and ends it. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const late = setTimeout(() => killGroup(this.pid), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(late);
    killGroup(this.pid);
    groups.delete(this.pid);
    this.cpu.close();
  }

  private async untilReady(): Promise<void> {
    const { stdout } = this.child;
    if (!stdout) throw new Error(`${this.name} has no output`);
    for await (const line of createInterface({ input: stdout })) {
      if (!line.includes('listening')) continue;
      this.url = /"url":"([^"]+)"/.exec(line)?.[1] ?? '';
      stdout.resume();
      return;
    }
    throw new Error(`${this.name} ended before it was ready`);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Everything of it has ended.
  }
}
