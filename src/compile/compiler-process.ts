import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { within } from '../lib/time-limit.js';
import type { Confinement } from '../contract/confinement.js';
import type { IsolationLevel, ProcessEnd, RunnerPlace } from '../isolation/isolation-level.js';
import { ProcessProbe } from '../isolation/process-usage.js';
import { childOf } from '../lib/process/process-tree.js';
import type { CompilerEnd } from '../telemetry/measurements.js';
import { yieldToWorker } from '../isolation/yield-to-worker.js';
import { LineSplitter } from '../lib/line-splitter.js';
import { killGroup } from '../lib/process-group.js';
import { CompilerUnavailableError } from './compile-error.js';
import {
  type CompilerReply,
  compilerReplySchema,
  type CompilerRequest,
  EXIT_PROGRAM_KILLED,
  isFromOutside,
} from './protocol.js';

const BOOT_TIMEOUT_MS = 30_000;
/** Go says first why it ends, and then where everything was. */
const WORDS_CHARS = 4096;
const MEMORY_WORDS = /out of memory|cannot allocate memory|stack exceeds|heap limit|allocation failed/i;

/** How to start a compiler process. */
export interface CompilerLaunch {
  level: IsolationLevel;
  place: RunnerPlace;
  nodeArgs: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Longest reply, in bytes; a process that sends more is killed. */
  replyLimitBytes: number;
}

/** The process ended, or was killed, before it answered. */
export class CompilerEndedError extends Error {
  override name = 'CompilerEndedError';

  constructor(
    readonly end: CompilerEnd,
    lastWords: string,
  ) {
    super(`a compiler ended (${end})${lastWords === '' ? '' : `: ${lastWords}`}`);
  }
}

/** One confined compiler process, from its start to its end; it compiles one source at a time. */
export class CompilerProcess {
  /** Resolves, never rejects, when the process is gone; with how. */
  readonly ended: Promise<CompilerEnd>;
  /** The beginning of what it wrote to stderr. */
  private words = '';
  /** The process itself and its program; empty where there is no telling. */
  pids: readonly number[] = [];
  private probes: readonly ProcessProbe[] = [];
  private answered: { resolve(reply: CompilerReply): void; reject(error: Error): void } | null = null;
  private spoilt = false;
  private isGone = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly launch: CompilerLaunch,
  ) {
    this.read(child.stdout as Readable);
    (child.stdin as Writable).on('error', () => undefined);
    (child.stderr as Readable).on('data', (chunk: Buffer) => this.note(chunk.toString('utf8')));
    this.ended = this.watchEnd();
  }

  /** @throws {CompilerUnavailableError} when it does not become ready */
  static async boot(launch: CompilerLaunch): Promise<CompilerProcess> {
    const child = await start(launch);
    const compiler = new CompilerProcess(child, launch);
    try {
      const reply = await within(compiler.nextReply(), BOOT_TIMEOUT_MS, () => {
        throw new Error(`it was not ready within ${BOOT_TIMEOUT_MS} ms`);
      });
      if (reply.type !== 'ready') throw new Error(`it replied ${reply.type} instead of ready`);
      compiler.openProbes();
      return compiler;
    } catch (error) {
      compiler.kill();
      throw new CompilerUnavailableError(`a compiler could not be started: ${(error as Error).message}`);
    }
  }

  /**
   * Sends one request and waits for its reply; the one before must have been answered.
   * @throws {CompilerEndedError}
   */
  async request(request: CompilerRequest): Promise<CompilerReply> {
    // However it ended, this request was not the reason.
    if (this.isGone) throw new CompilerEndedError('killed', this.words.trim());
    const reply = this.nextReply();
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    return reply;
  }

  /** Whether its end has not been seen. */
  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What its level of isolation promises of it. */
  get promised(): { confinement: Confinement; namespaces: boolean } {
    const { level, place } = this.launch;
    return { confinement: level.confinement(place), namespaces: level.name === 'namespace' };
  }

  /** CPU time in ms that the process and its program have used; null where that cannot be known. */
  cpuMs(): number | null {
    const used = this.probes.map((probe) => probe.cpu());
    return used.length === 0 || used.includes(null)
      ? null
      : used.reduce((sum, cpu) => sum + (cpu?.userMs ?? 0) + (cpu?.systemMs ?? 0), 0);
  }

  /** Resident memory in MB of the larger of the two; 0 where that cannot be known. */
  memoryMb(): number {
    return Math.max(0, ...this.probes.map((probe) => probe.memoryMb() ?? 0));
  }

  /** Kills the process and everything that it started; safe at any time and more than once. */
  kill(): void {
    killGroup(this.child);
  }

  private nextReply(): Promise<CompilerReply> {
    return new Promise((resolve, reject) => (this.answered = { resolve, reject }));
  }

  private openProbes(): void {
    try {
      const pid = this.launch.level.runnerPid(this.child.pid as number);
      this.pids = [pid, childOf(pid)];
      // At the level namespace they may have been made before the process that was started had less.
      for (const each of this.pids) yieldToWorker(each);
      this.probes = this.pids.map((each) => new ProcessProbe(each));
      // Opens its descriptors now: from here on the process costs the same number of them.
      this.cpuMs();
      this.memoryMb();
    } catch {
      // Without /proc there is no telling; the time limit of the execution remains.
    }
  }

  private read(stdout: Readable): void {
    const lines = new LineSplitter(this.launch.replyLimitBytes);
    stdout.on('error', () => undefined);
    stdout.on('data', (chunk: Buffer) => {
      if (this.spoilt) return;
      try {
        lines.push(chunk, (line) => this.receive(JSON.parse(line)));
      } catch (error) {
        this.spoilt = true;
        this.note((error as Error).message);
        this.kill();
      }
    });
  }

  private receive(data: unknown): void {
    const reply = compilerReplySchema.parse(data);
    const { answered } = this;
    this.answered = null;
    if (answered === null) throw new Error('it replied without a request');
    answered.resolve(reply);
  }

  private watchEnd(): Promise<CompilerEnd> {
    const { promise, resolve } = Promise.withResolvers<CompilerEnd>();
    // The leader is dead; its program goes with it.
    this.child.once('exit', () => killGroup(this.child));
    this.child.once('close', (exitCode, signal) => {
      for (const probe of this.probes) probe.close();
      const end = this.spoilt
        ? 'crash'
        : endOf(this.launch.level.runnerEnd({ exitCode, signal }), this.words);
      this.answered?.reject(new CompilerEndedError(end, this.words.trim()));
      this.answered = null;
      this.isGone = true;
      resolve(end);
    });
    return promise;
  }

  private note(words: string): void {
    this.words += words.slice(0, WORDS_CHARS - this.words.length);
  }
}

function endOf({ exitCode, signal }: ProcessEnd, words: string): CompilerEnd {
  if (exitCode === EXIT_PROGRAM_KILLED || (signal !== null && isFromOutside(signal))) return 'killed';
  return MEMORY_WORDS.test(words) ? 'memory' : 'crash';
}

function start({ level, place, nodeArgs, env }: CompilerLaunch): Promise<ChildProcess> {
  const { file, args, cwd } = level.command(place, nodeArgs);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new CompilerUnavailableError(`a compiler could not be started: ${error.message}`));
    // A process group of its own, to be killed as a whole.
    const child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    child.once('error', fail);
    child.once('spawn', () => resolve(child));
    if (child.pid !== undefined) yieldToWorker(child.pid);
  });
}
