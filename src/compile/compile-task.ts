import type { CompilerSettings } from '../config/slices.js';
import { CompileLimitError } from './compile-error.js';
import type { CompilerEnd } from '../telemetry/measurements.js';
import type { CompilerProcess } from './compiler-process.js';
import type { CompilerReply, CompilerRequest } from './protocol.js';

/** How often it is looked at what a source that takes long has used. The kernel's own limit is far above. */
const LOOK_MS = 50;
/** Compilers may be killed from outside, by the kernel for example; under one source at most this often. */
const DEATHS_TOLERATED = 5;

type Limits = Pick<CompilerSettings, 'cpuLimitMs' | 'memoryMb'>;

/** One request to a compiler, from its arrival to its answer, on one process or on several. */
export class CompileTask {
  readonly done: Promise<CompilerReply>;
  isOver = false;
  private deaths = 0;
  /** What it took too much of, by what was seen. */
  private exceeded: 'time' | 'memory' | null = null;
  private readonly settle = Promise.withResolvers<CompilerReply>();

  constructor(
    private readonly request: CompilerRequest,
    private readonly signal: AbortSignal,
    private readonly limits: Limits,
  ) {
    this.done = this.settle.promise;
    const abort = (): void => this.fail(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    const forget = (): void => signal.removeEventListener('abort', abort);
    this.done.then(forget, forget);
  }

  succeed(reply: CompilerReply): void {
    this.isOver = true;
    this.settle.resolve(reply);
  }

  fail(error: Error): void {
    this.isOver = true;
    this.settle.reject(error);
  }

  /**
   * Has a process carry it out; kills the process when it takes too long or is not wanted any more.
   * @throws {CompilerEndedError}
   */
  async runOn(compiler: CompilerProcess): Promise<CompilerReply> {
    const before = compiler.cpuMs();
    const kill = (): void => compiler.kill();
    const look = setInterval(() => {
      this.exceeded ??= this.exceededBy(compiler, before);
      if (this.exceeded !== null) kill();
    }, LOOK_MS);
    this.signal.addEventListener('abort', kill, { once: true });
    try {
      return await compiler.request(this.request);
    } finally {
      clearInterval(look);
      this.signal.removeEventListener('abort', kill);
    }
  }

  private exceededBy(compiler: CompilerProcess, cpuMsBefore: number | null): 'time' | 'memory' | null {
    if (compiler.memoryMb() > this.limits.memoryMb) return 'memory';
    const cpuMs = compiler.cpuMs();
    if (cpuMs === null || cpuMsBefore === null) return null;
    return cpuMs - cpuMsBefore > this.limits.cpuLimitMs ? 'time' : null;
  }

  /** Whether another process should try, after one has ended in this way under it. */
  mayRunAgain(end: CompilerEnd): boolean {
    if (this.isOver || this.exceeded !== null || end !== 'killed') return false;
    this.deaths += 1;
    return this.deaths < DEATHS_TOLERATED;
  }

  /** What the source took too much of, given that it is not tried again. */
  limitErrorOf(end: CompilerEnd): Error {
    if (this.signal.aborted) return this.signal.reason as Error;
    const name = this.request.op === 'compile' ? this.request.path : 'a source';
    const { cpuLimitMs, memoryMb } = this.limits;
    if (this.exceeded === 'time')
      return new CompileLimitError(
        'time',
        `${name} takes more than ${cpuLimitMs / 1000} s of CPU time to compile (COMPILE_CPU_SECONDS): make it smaller or simpler`,
      );
    if (this.exceeded === 'memory' || end === 'memory')
      return new CompileLimitError(
        'memory',
        `${name} takes more than ${memoryMb} MB of memory to compile (COMPILE_MEMORY_MB): make it smaller or simpler`,
      );
    return new CompileLimitError(
      'crash',
      end === 'killed'
        ? `${name} cannot be compiled: ${this.deaths} compilers were killed while they compiled it`
        : `${name} cannot be compiled: the compiler crashed on it`,
    );
  }
}
