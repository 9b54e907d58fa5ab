import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type RunnerSettings, runnerSettings } from '../config/slices.js';
import type { ModuleReply, ModuleRequest } from '../boundary/module-protocol.js';
import type { Execution } from '../contract/execution.js';
import type { RunnerStart } from '../contract/confinement.js';
import { type FailureCode, TIMEOUT_EXIT_CODE } from '../contract/failure.js';
import { Refusal } from '../contract/jobs/refusal.js';
import type { ExecutionProgress, LogEntry, Metrics } from '../contract/result.js';
import { Redactor, TooManySecretsError } from '../outcome/redaction/redactor.js';
import { afterWrites } from '../lib/end-of-turn.js';
import { traced } from '../telemetry/tracing.js';
import type { CompileClock } from '../compile/compile-clock.js';
import { CompileTimeoutError } from '../compile/compile-error.js';
import { CompilerPool } from '../compile/compiler-pool.js';
import type { AttemptPlace } from '../artifacts/artifact-folders.js';
import { PackagesService } from '../packages/packages.service.js';
import { type PreparedCode, WorkspaceService } from '../workspace/workspace.service.js';
import { OriginalPlaces } from '../outcome/original-places.js';
import { KINDS } from './kinds/registry.js';
import type { AttemptReport, Cancelled } from '../outcome/attempt-report.js';
import { type Finding, judge } from '../outcome/judge.js';
import type { RunEnd } from '../outcome/run-end.js';
import { placesIn } from '../outcome/run-evidence.js';
import { ArtifactTaker } from './artifact-taker.js';
import { type Cancellation, InterruptedError, type Stops } from './cancellation.js';
import { executeCommand, type RunTask } from './execute-command.js';
import { withCompileClock } from './execution-clock.js';
import { runLimitsOf } from './supervision/limits.js';
import { explainMissing } from './missing-package.js';
import { Run } from './supervision/run.js';
import { RunnerPool } from './pool/runner-pool.js';
import type { RunnerLease } from './pool/runner-lease.js';
import { runnerOf, traceSteps } from './trace-run.js';

/** Is notified of an execution while it runs. */
export interface ExecutionListener {
  onProgress: (progress: ExecutionProgress) => void;
  /** It printed something. A promise: nothing more may come until it settles. */
  onLog: (entry: LogEntry) => Promise<void> | null;
  /** The runner that carries it out. */
  onRunner: (runner: { id: string; start: RunnerStart }) => void;
  /** The workspace generation that it runs against, as soon as that is fixed. */
  onPinned: (generation: number) => void;
}

/**
 * Carries out one execution: collects and compiles its code, runs it in an isolated runner within
 * its limits, and reports what it saw. Errors of user code are findings of the report, never exceptions.
 */
@Injectable()
export class ExecutorService {
  /** The workspace generation that an execution was last prepared with. */
  lastGeneration: number | null = null;
  private readonly credentials: readonly string[];
  /** For the many executions without secrets of their own. */
  private readonly redactor: Redactor;

  constructor(
    private readonly workspace: WorkspaceService,
    private readonly packages: PackagesService,
    private readonly compilers: CompilerPool,
    private readonly pool: RunnerPool,
    private readonly artifacts: ArtifactTaker,
    @InjectSettings(runnerSettings) private readonly settings: RunnerSettings,
  ) {
    this.credentials = settings.credentials;
    this.redactor = new Redactor(this.credentials);
  }

  /**
   * Makes runners and compilers ready.
   * @throws {SettingsError} when the isolation that is asked for does not work on this machine
   */
  async start(): Promise<void> {
    await Promise.all([this.pool.start(), this.compilers.start()]);
  }

  /** Workspace generation that is current now; null: nothing was ever published. */
  currentGeneration(): Promise<number | null> {
    return this.workspace.currentGeneration();
  }

  /** Modules are published in generations. */
  get hasGenerations(): boolean {
    return this.workspace.hasGenerations;
  }

  /** Which generation is current was read with something else. */
  noteGeneration(generation: number | null): void {
    this.workspace.noteCurrent(generation);
  }

  /**
   * What the listener receives shows no secret of the execution and no credential of ours; the report has the
   * redactor with which its document is made.
   * @throws {Refusal} INVALID_JOB when it has more secrets than can be redacted; nothing has run then.
   * @throws {InterruptedError} when it is interrupted; the code no longer runs then.
   * @throws {CancelledError} when it is cancelled before its code runs.
   * @throws {RunnerBootError} when no runner can be started; the code never ran.
   */
  async execute(execution: Execution, stops: Stops, listener: ExecutionListener): Promise<AttemptReport> {
    const redactor = await this.redactorFor(Object.values(execution.secrets));
    return withCompileClock(execution.timeoutMs, stops, (clock) =>
      this.prepareAndRun(execution, stops, listener, { redactor, clock }),
    );
  }

  private async redactorFor(secrets: readonly string[]): Promise<Redactor> {
    if (secrets.length === 0) return this.redactor;
    try {
      return await Redactor.prepare([...this.credentials, ...secrets]);
    } catch (error) {
      if (!(error instanceof TooManySecretsError)) throw error;
      throw new Refusal('INVALID_JOB', `secrets cannot be redacted: ${error.message}`, 'secrets');
    }
  }

  /** Collects and compiles the code. Using up the time limit on that is a failure of the execution. */
  private async prepare(
    { source, timeoutMs, generation, wantedGeneration }: Execution,
    clock: CompileClock,
    cancellation: Cancellation,
  ): Promise<PreparedCode | RefusedProgram> {
    const preparing = traced('prepare', {}, () =>
      this.workspace.prepare({
        entry: source,
        generation: wantedGeneration ?? generation,
        only: wantedGeneration !== null,
        timeoutMs,
        clock,
      }),
    );
    try {
      return await cancellation.unless(preparing);
    } catch (error) {
      if (!(error instanceof CompileTimeoutError)) throw error;
      return {
        ok: false,
        generation: null,
        failure: { code: 'TIMED_OUT', name: error.name, message: error.message },
      };
    }
  }

  private async prepareAndRun(
    execution: Execution,
    stops: Stops,
    listener: ExecutionListener,
    { redactor, clock }: { redactor: Redactor; clock: CompileClock },
  ): Promise<AttemptReport> {
    const startedAt = new Date();
    const startedMs = performance.now();
    const { cancellation } = stops;
    const program = await this.prepare(execution, clock, cancellation);
    const metrics: Metrics = { prepare_ms: elapsedMs(startedMs) };
    const { generation } = program;
    if (generation !== null) this.lastGeneration = generation;
    if (generation !== null && generation !== execution.generation) listener.onPinned(generation);
    if (!program.ok) {
      const finding = findingOf(program.failure);
      return { startedAt, finishedAt: new Date(), finding, metrics, generation, redactor };
    }

    const packageSet = this.packages.acquire();
    try {
      const askedMs = performance.now();
      // Only a process that has run no code yet may still look at local variables; threads always may.
      const apart = execution.captureLocals || !this.maySharePlace(execution);
      // Should the code be what made the attempt before fail, it meets no other execution now.
      const alone = (apart && KINDS[this.settings.kind].ownsProcess) || execution.attempt > 1;
      const key = runnerKey(execution, generation, packageSet?.id, alone);
      const checkout = traced('checkout', {}, () =>
        this.pool.checkout(execution.id, key, packageSet !== null),
      );
      const lease = await cancellation.unless(checkout, (late) => this.pool.release(late));
      metrics.runner_wait_ms = elapsedMs(askedMs);
      listener.onRunner(lease.slot.runner);
      const packagesDir = packageSet?.dir ?? null;
      const { rootUrl } = this.workspace;
      const seen = await traced('run', runnerOf(lease), (span) =>
        this.runOn(
          lease,
          { execution, program, packagesDir, rootUrl, span, redactor, clock, startedAt },
          stops,
          listener,
        ),
      );
      return Object.assign(seen, { metrics, generation, packageSet: packageSet?.id ?? null, redactor });
    } finally {
      packageSet?.release();
    }
  }

  /** Whether a process or thread that serves other executions may serve it. Without an organization, the tenant is unknown. */
  private maySharePlace({ organization }: Execution): boolean {
    return organization !== null || this.settings.reusesWithoutOrganization;
  }

  private async answer(program: RunTask['program'], request: ModuleRequest): Promise<ModuleReply> {
    const reply = await program.answer(request);
    return request.missing ? explainMissing(reply, request.specifier, this.packages.status.failed) : reply;
  }

  private async runOn(
    lease: RunnerLease,
    task: RunTask,
    stops: Stops,
    listener: ExecutionListener,
  ): Promise<RanOn> {
    const { execution, program, redactor, clock, span } = task;
    // With the debugger's help a runner serves no other execution.
    if (execution.captureLocals || !this.maySharePlace(execution)) lease.keep = false;
    try {
      const { timeoutMs, bounds } = execution;
      const limits = runLimitsOf(this.settings, { timeoutMs, spentMs: clock.usedMs, bounds });
      lease.slot.runner.outlet?.narrow(bounds?.networkAllow ?? null);
      const run = new Run(lease.slot, limits, {
        answer: (request) => this.answer(program, request),
        onProgress: listener.onProgress,
        onLog: listener.onLog,
        redactor,
      });
      const sentMs = Date.now();
      const command = executeCommand(task, lease, { limits, lookEvery: this.settings.lookEvery });
      const end = await run.finish(command, stops);
      traceSteps(span, sentMs, end, execution.source);
      if (end.verdict === 'interrupted' && !end.cancel)
        throw new InterruptedError('the execution was interrupted');
      const finding = judge(end, limits, execution.source.functionName === null);
      if (program.fault !== null && finding !== null) throw program.fault;
      const originals = await OriginalPlaces.find(placesIn(end), end, (compiled, places) =>
        this.workspace.locate(compiled, places),
      );
      const cancel = cancelledIn(end, stops.cancellation);
      const finishedAt = new Date();
      const { artifacts, fault } = await this.artifacts.take(lease, attemptOf(task), redactor);
      const ran: RanOn = {
        startedAt: task.startedAt,
        finishedAt,
        finding: finding ?? fault,
        artifacts,
        run: { end, limits, originals },
      };
      if (finding && fault) ran.evidence = { artifacts: fault.message };
      if (cancel) ran.cancel = cancel;
      return ran;
    } finally {
      // Its result goes out first: what becomes of the runner is no part of that.
      afterWrites(() => this.pool.release(lease));
    }
  }
}

type RanOn = Pick<
  AttemptReport,
  'startedAt' | 'finishedAt' | 'finding' | 'evidence' | 'artifacts' | 'run' | 'cancel'
>;

const attemptOf = ({ execution: { id, run, attempt }, startedAt }: RunTask): AttemptPlace => ({
  executionId: id,
  run,
  attempt,
  startedAt,
});

const elapsedMs = (sinceMs: number): number => Math.round((performance.now() - sinceMs) * 100) / 100;

/** A runner that is used again stays with what it served: one organization, one state of the code, one network. */
const runnerKey = (
  execution: Execution,
  generation: number | null,
  packageSet: string | undefined,
  alone: boolean,
): string =>
  JSON.stringify([
    execution.organization?.id ?? null,
    generation,
    packageSet ?? null,
    execution.network,
    ...(alone ? [execution.id] : []),
  ]);

/** Code that does not run, and why. */
interface RefusedProgram {
  ok: false;
  generation: number | null;
  failure: { code: FailureCode; name: string; message: string };
}

/** Code that cannot be compiled or found never starts a runner. */
function findingOf({ code, name: errorType, message }: RefusedProgram['failure']): Finding {
  return { code, errorType, message, exitCode: code === 'TIMED_OUT' ? TIMEOUT_EXIT_CODE : 1 };
}

/** Whether a request to cancel came while the code ran, and how that ended; null: none came. */
const cancelledIn = ({ cancel }: RunEnd, { request }: Cancellation): Cancelled | null =>
  cancel && request ? { request, ended: cancel.killedAt ? 'killed' : 'by itself' } : null;
