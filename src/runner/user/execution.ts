import { isMainThread } from 'node:worker_threads';
import type { ModuleFailure } from '../../boundary/module-protocol.js';
import type { ErrorCode } from '../../boundary/runner-frames.js';
import type { ExecuteCommand, RunnerCommand } from '../../boundary/runner-protocol.js';
import { holdFrames, json, releaseFrames, sendFrame, startUsage, useNonce } from '../channel/channel.js';
import { reportError } from '../report/error-report.js';
import { printedError } from '../report/printed-error.js';
import { emitOutput } from '../report/output-capture.js';
import { Hygiene, reasonsAsJson } from '../reuse/hygiene.js';
import { type ImportHook, installImportHook } from '../modules/import-hook.js';
import { LocalVariables } from '../report/local-variables.js';
import { requestModule } from '../modules/module-requests.js';
import { endConnections } from '../network/proxied-network.js';
import { activeResources, thenOf } from '../channel/primordials.js';
import { createUserContext, forgetContext, type UserContext } from './user-context.js';
import { UserSignal } from './user-signal.js';
import { giveUp } from '../confine/rights.js';
import { ending, noteLoaded, reportSettled, reportValue, sendError } from '../report/final-frames.js';
import { NoJsonForm } from './json-form.js';
import { ParametersInvalid } from './user-parameters.js';
import { type Caught, runFunction, runScript } from './run-code.js';
import { hideSecrets } from '../report/snapshot.js';
import { LateTurn } from '../reuse/late-turn.js';
import { emptied, isUsersCode, removeTraces } from '../reuse/traces.js';
import { forgetScript } from '../report/variables.js';
import { throwUncaught, unsettledWarning, watchProcessEnd, watchRejections } from './process-end.js';
import { isWaiting, type Progress, settled } from './progress.js';
import { prepareGlobals } from './prepare-globals.js';

interface Current {
  command: ExecuteCommand;
  context: UserContext;
  signal: UserSignal;
  progress: Progress;
  locals: LocalVariables | null;
  late: LateTurn;
}

/** What keeps the process or thread waiting for commands. */
export interface CommandSource {
  /** Keeps the event loop alive. */
  hold(): void;
  /** Nothing but user code keeps the event loop alive. */
  release(): void;
}

/**
 * Runs executions, one at a time, and reports how each ended.
 *
 * A function ends when its promise settles. A script ends as under `node script.js`: when its event
 * loop is empty, at process.exit, or at an uncaught error. Both end when the event loop is empty and what
 * they wait for has not come. Unless the worker wants to keep the runner, a script ends the process then;
 * otherwise the runner looks for what the execution left behind and reports it.
 */
export class Executions {
  private current: Current | null = null;
  private hook: ImportHook | null = null;
  private hygiene: Hygiene | null = null;
  private hasGivenUp = false;
  /** How what this has put into the process is taken back, in the order in which it was put there. */
  private readonly undo: (() => void)[] = [];

  /** @param giveUpRight takes a right from this process for good. */
  constructor(
    private readonly commands: CommandSource,
    private readonly giveUpRight: typeof giveUp = giveUp,
  ) {
    const unwatch = watchProcessEnd({
      emptied: () => this.emptied(),
      isUnsettled: () => this.current !== null && isWaiting(this.current.progress),
      uncaught: (error) => this.uncaught(error),
      ended: (end) => this.ended(end),
    });
    this.undo.push(unwatch);
  }

  /** Does ahead what the first execution of a runner that is kept would begin with. */
  prepareToKeep(): void {
    this.hygiene = new Hygiene();
  }

  /** Takes back all that this has put into the process, where others run executions from now on. */
  dispose(): void {
    for (const step of this.undo.splice(0).toReversed()) step();
    this.current = null;
  }

  /** Does what the worker says; the same in a process and in a thread. */
  handle(command: RunnerCommand): void {
    switch (command.type) {
      case 'execute':
        this.run(command);
        return;
      case 'cancel':
        this.cancel(command.ref, command.reason);
        return;
      case 'probe':
        this.probe(command.ref);
        return;
      case 'terminate':
      case 'module-reply':
      case 'hold':
        throw new Error(`${command.type} is for the host of threads`);
    }
  }

  private cancel(ref: string, reason: string): void {
    const { current } = this;
    if (current?.command.ref !== ref || settled(current.progress)) return;
    const error = new Error(reason);
    error.name = 'CancelledError';
    const { signal } = current;
    // What the code does now decides how long it lives.
    if (signal.isTaken) this.commands.release();
    else sendFrame('unheard', {});
    signal.abort(error);
  }

  /** Says that the event loop is free and what it waits for. */
  private probe(ref: string): void {
    if (this.current?.command.ref !== ref) return;
    const open = activeResources().slice(0, RESOURCES_SHOWN);
    sendFrame('alive', { resources: `[${open.map((name) => json(name.slice(0, 100))).join(',')}]` });
  }

  private run(command: ExecuteCommand): void {
    useNonce(command.nonce);
    startUsage();
    forgetScript();
    hideSecrets(Object.values(command.context.secrets));
    const context = createUserContext(command, () => this.signalOf(current));
    const progress: Progress = { phase: 'loading', value: undefined };
    prepareGlobals(command);
    const { rootUrl, modules, packagesDir } = command;
    const shipped = { rootUrl, modules, packagesDir, requestModule };
    if (this.hook) this.hook.next(modules);
    else {
      const hook = (this.hook = installImportHook(shipped));
      this.undo.push(() => hook.remove());
    }
    if (command.keep) (this.hygiene ??= new Hygiene()).start(this.undo);
    this.hygiene?.resources.begin();
    const locals = command.captureLocals ? LocalVariables.start(isUsersCode(command.rootUrl)) : null;
    if (locals) this.undo.push(() => locals.stop());
    // Our session goes on. A reused runner is never asked for another one: see runnerKey of the executor.
    if (isMainThread && !this.hasGivenUp) this.giveUpRight('inspector');
    this.hasGivenUp = true;
    const late = new LateTurn(this.hygiene?.resources ?? null);
    const current: Current = { command, context, signal: new UserSignal(), progress, locals, late };
    this.current = current;
    // From here on only user code keeps the event loop alive: where nothing does, nothing more can come.
    this.commands.release();
    this.start(current);
  }

  private start(current: Current): void {
    const { command, context, progress, locals, late } = current;
    const startedAt = performance.now();
    const onLoaded = (): void => {
      locals?.watch('uncaught');
      progress.phase = 'calling';
      noteLoaded(performance.now() - startedAt);
      late.flush();
    };
    const isScript = command.functionName === null;
    locals?.watch(isScript ? 'all' : 'uncaught');
    const onFailed = (error: unknown): void => {
      if (!isScript) return this.failed(current, error);
      this.evaluated(current, undefined);
      throwUncaught(error);
    };
    // The debugger reports errors that no handler is about to catch; so no handler may be attached then.
    const rejections = locals === null ? null : watchRejections(onFailed);
    if (rejections) this.undo.push(() => rejections.stop());
    const caught: Caught = (promise, done) =>
      rejections === null ? void thenOf(promise, done, onFailed) : rejections.watch(thenOf(promise, done));
    const call = { command, context, onLoaded, caught, mayUse: () => !settled(progress) };
    if (isScript) runScript(call, (value) => this.evaluated(current, value));
    else runFunction(call, (value) => this.returned(current, value));
  }

  /** The code may wait for that alone. */
  private signalOf({ signal, progress }: Current): AbortSignal {
    if (isWaiting(progress)) this.commands.hold();
    return signal.take();
  }

  /** A script has been evaluated; what it has begun goes on. */
  private evaluated({ progress }: Current, value: unknown): void {
    if (settled(progress)) return;
    progress.value = value;
    progress.phase = 'draining';
    this.commands.release();
  }

  private returned({ command, context, progress }: Current, value: unknown): void {
    if (settled(progress)) return;
    progress.phase = 'reported';
    this.commands.hold();
    this.holdReport();
    reportValue(value, context, command.resultLimitBytes);
    this.settle();
  }

  /** A function failed; its error is the result, not output. */
  private failed({ context, progress, locals }: Current, error: unknown): void {
    if (settled(progress)) return;
    // Node keeps a module that failed to load as failed.
    const broken = progress.phase === 'loading';
    progress.phase = 'reported';
    this.commands.hold();
    this.holdReport();
    const fields = error instanceof ParametersInvalid ? error.fields : undefined;
    sendError(this.codeOf(error), { ...reportError(error), fields }, context, locals?.of(error));
    this.settle(broken ? ['a module that failed to load'] : []);
  }

  /** The worker failed to look for the module; a runner does not report faults of the worker. */
  private codeOf(error: unknown): ErrorCode {
    if (error instanceof NoJsonForm) return 'RESULT_NOT_SERIALIZABLE';
    const failure: ModuleFailure | undefined = this.hook?.failureOf(error);
    return failure?.code === 'INTERNAL' ? 'MODULE_NOT_FOUND' : (failure?.code ?? 'USER_ERROR');
  }

  private uncaught(error: unknown): void {
    const { current } = this;
    if (!current || settled(current.progress)) return;
    const report = reportError(error);
    sendFrame('uncaught', {
      code: json(this.codeOf(error)),
      name: json(report.name),
      message: json(report.message),
      stack: json(report.stack),
      limit: json(report.limit),
      final: `${report.final}`,
      detail: report.detail,
      locals: current.locals?.of(error) ?? 'null',
    });
  }

  private emptied(): boolean {
    const { current } = this;
    if (!current?.command.keep || current.progress.phase !== 'draining') return false;
    current.progress.phase = 'reported';
    this.commands.hold();
    reportValue(current.progress.value, current.context, current.command.resultLimitBytes);
    this.settle();
    return true;
  }

  private ended({ exitCode, unsettled, error }: Parameters<EndedStep>[0]): void {
    const { current } = this;
    releaseFrames();
    if (!current || settled(current.progress)) return;
    const { command, context, progress } = current;
    const drained = progress.phase === 'draining' && exitCode === 0;
    progress.phase = 'reported';
    if (error !== null) emitOutput('stderr', 'error', printedError(error.value));
    else if (unsettled) emitOutput('stderr', 'error', unsettledWarning(command));
    else if (drained) return reportValue(progress.value, context, command.resultLimitBytes);
    sendFrame('exiting', { exitCode: `${exitCode}`, unsettled: `${unsettled}`, ...ending(context) });
  }

  /** A report goes out with `settled` where nothing is open that could keep that from coming at once. */
  private holdReport(): void {
    if (this.current?.command.keep && this.hygiene?.resources.isQuiet) holdFrames();
  }

  /** After the report: what is late comes now or never, then the runner is looked over. */
  private settle(known: string[] = []): void {
    const { current, hygiene } = this;
    if (!current?.command.keep || hygiene === null) return;
    endConnections();
    current.late.whenNothingIsLate(() => this.finish(current, hygiene, known));
  }

  private finish({ command }: Current, hygiene: Hygiene, dirty: string[]): void {
    Reflect.deleteProperty(process, 'mainModule');
    hygiene.inspect(command.lookEvery, dirty);
    if (command.clearsScratch && !emptied(command.scratch)) dirty[dirty.length] = 'files';
    if (process.exitCode !== undefined) dirty[dirty.length] = 'exit code';
    this.current = null;
    forgetContext();
    removeTraces(command);
    reportSettled(dirty.length === 0 ? null : reasonsAsJson(dirty));
    releaseFrames();
  }
}

type EndedStep = Parameters<typeof watchProcessEnd>[0]['ended'];

const RESOURCES_SHOWN = 20;
