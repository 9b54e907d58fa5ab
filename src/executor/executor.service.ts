import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type { Execution } from '../contract/execution.js';
import { Refusal } from '../contract/refusal.js';
import type { Outcome } from '../contract/result.js';
import type { ExecuteCommand } from '../contract/runner-protocol.js';
import { CompileError } from '../workspace/compiler.js';
import { type Program, ProgramLoader } from './program-loader.js';
import { judge, outcomeOf, refusedOutcome } from './outcome.js';
import { Run, type RunLimits } from './run.js';
import { RunnerPool } from './runner-pool.js';

/** Someone outside asked for the end of the execution; it has no outcome. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/** Hears of progress while an execution runs. */
export type ProgressListener = (fraction: number, message: string | null) => void;

/**
 * Carries out one execution: compiles its code, runs it in an isolated runner within its limits,
 * and tells how it ended. Errors of user code are outcomes, never exceptions.
 */
@Injectable()
export class ExecutorService {
  constructor(
    private readonly programs: ProgramLoader,
    private readonly pool: RunnerPool,
    @InjectSettings() private readonly settings: Settings,
  ) {}

  /**
   * @throws {InterruptedError} when `signal` aborts; the code no longer runs then.
   * @throws {RunnerBootError} when no runner can be started; the code never ran.
   */
  async execute(execution: Execution, signal: AbortSignal, onProgress?: ProgressListener): Promise<Outcome> {
    const startedAt = new Date();
    let program: Program;
    try {
      program = await this.programs.load(execution.source);
    } catch (error) {
      return refusedBy(error, startedAt);
    }
    const runner = await this.pool.checkout(execution.id);
    try {
      const limits = this.limitsFor(execution);
      const run = new Run(runner, limits, onProgress);
      const end = await run.finish(this.command(execution, program, runner.scratch), signal);
      if (end.verdict === 'interrupted') throw new InterruptedError('the execution was interrupted');
      const finding = judge(end, limits, isScript(execution));
      return outcomeOf(end, finding, { startedAt, finishedAt: new Date() });
    } finally {
      this.pool.retire(runner);
    }
  }

  private limitsFor(execution: Execution): RunLimits {
    return {
      timeoutMs: execution.timeoutMs,
      memoryMb: this.settings.MEMORY_LIMIT_MB,
      outputBytes: this.settings.OUTPUT_LIMIT_BYTES,
    };
  }

  private command(execution: Execution, program: Program, scratch: string): ExecuteCommand {
    return {
      type: 'execute',
      nonce: randomBytes(16).toString('hex'),
      ...program,
      functionName: execution.source.functionName,
      parameters: execution.parameters,
      env: execution.env,
      scratch,
      resultLimitBytes: this.settings.OUTPUT_LIMIT_BYTES,
      context: {
        executionId: execution.id,
        attempt: execution.attempt,
        workflowId: execution.workflowId,
        caller: execution.caller,
        organization: execution.organization,
        secrets: execution.secrets,
        deadline: new Date(Date.now() + execution.timeoutMs).toISOString(),
      },
    };
  }
}

const isScript = (execution: Execution): boolean => execution.source.functionName === null;

/** Code that cannot be compiled or found never starts a runner. */
function refusedBy(error: unknown, startedAt: Date): Outcome {
  const timing = { startedAt, finishedAt: new Date() };
  if (error instanceof CompileError) {
    const { message, name } = error;
    return refusedOutcome({ code: 'USER_ERROR', errorType: name, message, exitCode: 1 }, timing);
  }
  if (error instanceof Refusal) {
    const evidence = error.field === undefined ? {} : { field: error.field };
    return refusedOutcome({ code: error.code, message: error.message }, timing, evidence);
  }
  throw error;
}
