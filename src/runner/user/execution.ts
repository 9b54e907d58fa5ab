import { isMainThread } from 'node:worker_threads';
import { setSourceMapsSupport } from 'node:module';
import type { ModuleFailure } from '../../boundary/module-protocol.js';
import type { ErrorCode } from '../../boundary/runner-frames.js';
import type { ExecuteCommand, RunnerCommand } from '../../boundary/runner-protocol.js';
import {
  flushFrames,
  holdFrames,
  json,
  postFrame,
  releaseFrames,
  sendFrame,
  startUsage,
  useNonce,
} from '../channel/channel.js';
import { reportError } from '../report/error-report.js';
import { emitOutput } from '../report/output-capture.js';
import { Hygiene } from '../reuse/hygiene.js';
import { type ImportHook, installImportHook } from '../modules/import-hook.js';
import { LocalVariables } from '../report/local-variables.js';
import { requestModule } from '../modules/module-requests.js';
import { endConnections } from '../network/proxied-network.js';
import { activeResources, inNextTurn, inspectValue } from '../channel/primordials.js';
import { createUserContext, type UserContext } from './user-context.js';
import { giveUp } from '../confine/rights.js';
import { showPid } from '../confine/shown-pid.js';
import { ending, reportValue, sendError } from '../report/final-frames.js';
import { acceptParameters, ParametersInvalid, schemaOf } from './user-parameters.js';
import { findFunction, scriptValue } from './user-module.js';
import { hideSecrets } from '../report/snapshot.js';
import { emptied, fileNameOf, removeTraces } from '../reuse/traces.js';
import { forgetScript } from '../report/variables.js';

/** Where an execution is; it is reported exactly once. */
interface Progress {
  phase: 'loading' | 'calling' | 'draining' | 'reported';
  /** Value of a script that has been evaluated and whose event loop is still busy. */
  value: unknown;
}

interface Current {
  command: ExecuteCommand;
  context: UserContext;
  controller: AbortController;
  /** The code has taken `context.signal`. */
  listensForAbort: boolean;
  progress: Progress;
  locals: LocalVariables | null;
}

/** What keeps the process or thread waiting for commands. */
export interface CommandSource {
  /** Keeps the event loop alive. */
  hold(): void;
  /** Nothing but user code keeps the event loop alive. */
  release(): void;
}

const OWN_FILE = __filename;

/**
 * Runs executions, one at a time, and reports how each ended.
 *
 * A function ends when its promise settles. A script ends as under `node script.js`: when its event
 * loop is empty, at process.exit, or at an uncaught error. Unless the worker wants to keep the
 * runner, it ends the process then; otherwise it looks for what the execution left behind and reports it.
 */
export class Executions {
  private current: Current | null = null;
  private hook: ImportHook | null = null;
  private hygiene: Hygiene | null = null;

  constructor(private readonly commands: CommandSource) {}

  /** Does what the worker says; the same in a process and in a thread. */
  handle(command: RunnerCommand): void {
    switch (command.type) {
      case 'execute':
        void this.run(command);
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
    const { listensForAbort } = current;
    current.controller.abort(error);
    if (!listensForAbort) sendFrame('unheard', {});
  }

  /** Says that the event loop is free and what it waits for. */
  private probe(ref: string): void {
    if (this.current?.command.ref !== ref) return;
    const open = activeResources().slice(0, RESOURCES_SHOWN);
    sendFrame('alive', { resources: `[${open.map((name) => json(name.slice(0, 100))).join(',')}]` });
  }

  private async run(command: ExecuteCommand): Promise<void> {
    useNonce(command.nonce);
    startUsage();
    forgetScript();
    hideSecrets(Object.values(command.context.secrets));
    const controller = new AbortController();
    const context = createUserContext(
      command.context,
      controller.signal,
      () => (current.listensForAbort = true),
    );
    const progress: Progress = { phase: 'loading', value: undefined };
    if (this.hook === null) this.watchEnd();
    prepareGlobals(command);
    const { rootUrl, modules, packagesDir } = command;
    if (this.hook) this.hook.next(modules);
    else this.hook = installImportHook({ rootUrl, modules, packagesDir, requestModule });
    if (command.keep) this.hygiene ??= new Hygiene();
    this.hygiene?.begin();
    const locals = command.captureLocals ? LocalVariables.start(isUsersCode(command.rootUrl)) : null;
    // Our session goes on. A reused runner is never asked for another one: see runnerKey of the executor.
    if (isMainThread) giveUp('inspector');
    const current: Current = { command, context, controller, progress, locals, listensForAbort: false };
    this.current = current;
    if (locals === null) {
      await this.runCode(current).catch((error: unknown) => this.failed(current, error));
      return;
    }
    // The debugger reports errors that no handler is about to catch; so no handler may be attached here.
    const done = this.runCode(current);
    whenRejected(done, (error) => this.failed(current, error));
  }

  private async runCode({ command, context, progress, locals }: Current): Promise<void> {
    const startedAt = performance.now();
    locals?.watch(command.functionName === null ? 'all' : 'uncaught');
    const namespace = (await import(command.entry)) as Record<string, unknown>;
    locals?.watch('uncaught');
    postFrame('loaded', { loadMs: `${performance.now() - startedAt}` });
    // With the result, when that comes in this turn of the event loop.
    inNextTurn(flushFrames);
    if (command.functionName === null) {
      progress.value = typeof namespace['default'] === 'function' ? undefined : scriptValue(namespace);
      progress.phase = 'draining';
      this.commands.release();
      return;
    }
    progress.phase = 'calling';
    const called = findFunction(namespace, command.functionName);
    const schema = schemaOf(called, namespace);
    const parameters = schema ? await acceptParameters(schema, command.parameters) : command.parameters;
    const value = await called(parameters, context);
    if (settled(progress)) return;
    progress.phase = 'reported';
    this.holdReport();
    reportValue(value, context, command.resultLimitBytes);
    this.settle();
  }

  private failed({ command, context, progress, locals }: Current, error: unknown): void {
    if (settled(progress)) return;
    // Node keeps a module that failed to load as failed.
    const broken = progress.phase === 'loading';
    const script = command.functionName === null;
    progress.phase = 'reported';
    if (!script) this.holdReport();
    // As Node does for a script; for a function the error is the result, not output.
    if (script) emitOutput('stderr', 'error', `${inspectError(error)}\n`);
    const code = codeOf(this.hook?.failureOf(error));
    const fields = error instanceof ParametersInvalid ? error.fields : undefined;
    sendError(code, { ...reportError(error, OWN_FILE), fields }, context, locals?.of(error));
    this.settle(broken ? ['a module that failed to load'] : []);
  }

  /** Reports an end that comes without our doing: an empty event loop, process.exit, an uncaught error. */
  private watchEnd(): void {
    process.on('uncaughtExceptionMonitor', (error: unknown) => {
      if (!this.current || settled(this.current.progress)) return;
      const report = reportError(error, OWN_FILE);
      sendFrame('uncaught', {
        name: json(report.name),
        message: json(report.message),
        stack: json(report.stack),
        limit: json(report.limit),
        final: `${report.final}`,
        locals: this.current.locals?.of(error) ?? 'null',
      });
    });
    process.on('beforeExit', (exitCode) => {
      const { current } = this;
      // Listeners of the user may go on: then the end is the exit of the process.
      if (!current?.command.keep || exitCode !== 0 || process.listenerCount('beforeExit') > 1) return;
      if (current.progress.phase !== 'draining') return;
      current.progress.phase = 'reported';
      this.commands.hold();
      reportValue(current.progress.value, current.context, current.command.resultLimitBytes);
      this.settle();
    });
    process.on('exit', (exitCode) => {
      const { current } = this;
      releaseFrames();
      if (!current || settled(current.progress)) return;
      const { command, context, progress } = current;
      const drained = progress.phase === 'draining' && exitCode === 0;
      progress.phase = 'reported';
      if (drained) return reportValue(progress.value, context, command.resultLimitBytes);
      sendFrame('exiting', { exitCode: `${exitCode}`, ...ending(context) });
    });
  }

  /** A report goes out with `settled` where nothing is open that could keep that from coming at once. */
  private holdReport(): void {
    if (this.current?.command.keep && this.hygiene?.isQuiet) holdFrames();
  }

  /** After the report: what is late comes now or never, then the runner is looked over. */
  private settle(known: string[] = []): void {
    const { current } = this;
    if (!current?.command.keep) return;
    endConnections();
    inNextTurn(() =>
      inNextTurn(() => {
        const dirty = [...known, ...(this.hygiene?.inspect() ?? [])];
        if (current.command.clearsScratch && !emptied(current.command.scratch)) dirty.push('files');
        if (process.exitCode !== undefined) dirty.push('exit code');
        this.current = null;
        removeTraces(current.command);
        postFrame('settled', { dirty: `[${dirty.map((reason) => json(reason)).join(',')}]` });
        releaseFrames();
      }),
    );
  }
}

/**
 * Calls back when the promise is rejected, without being a handler of it: what the debugger takes for
 * caught depends on the handlers. Errors of other promises end the process as they do in Node.
 */
function whenRejected(promise: Promise<void>, callback: (error: unknown) => void): void {
  process.on('unhandledRejection', (error, rejected) => {
    if (rejected === promise) callback(error);
    else if (process.listenerCount('unhandledRejection') === 1) throw error;
  });
}

/** Whether a file belongs to the workspace or to a package, as V8 names files: CommonJS by path, ESM by URL. */
const isUsersCode = (rootUrl: string): ((url: string) => boolean) => {
  const root = fileNameOf(rootUrl);
  return (url) => url.startsWith(rootUrl) || url.startsWith(root) || url.includes('/node_modules/');
};

const RESOURCES_SHOWN = 20;

/** The worker failed to look for the module; a runner does not report faults of the worker. */
const codeOf = (failure: ModuleFailure | undefined): ErrorCode =>
  failure?.code === 'INTERNAL' ? 'MODULE_NOT_FOUND' : (failure?.code ?? 'USER_ERROR');

const settled = (progress: Progress): boolean => progress.phase === 'reported';

/** What Node would print for an error that ends a script. */
function inspectError(error: unknown): string {
  try {
    return error instanceof Error
      ? (reportError(error, OWN_FILE).stack ?? error.message)
      : `Uncaught ${inspectValue(error)}`;
  } catch {
    return 'Uncaught error that cannot be read';
  }
}

function prepareGlobals(command: ExecuteCommand): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, command.env);
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  process.exitCode = undefined;
  // The folder it is in may be gone. Threads share theirs and cannot leave it.
  if (isMainThread) process.chdir(command.scratch);
  showPid(command.pid);
  process.argv = [process.execPath, fileNameOf(command.entry)];
}
