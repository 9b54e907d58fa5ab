import { setSourceMapsSupport } from 'node:module';
import type { ErrorCode, ExecuteCommand } from '../contract/runner-protocol.js';
import { json, sendFrame, startUsage, usageJson, useNonce } from './channel.js';
import { type ErrorReport, reportError } from './error-report.js';
import { emitOutput } from './output-capture.js';
import { installImportHook } from './import-hook.js';
import { requestModule } from './module-requests.js';
import { inspectValue } from './primordials.js';
import { createUserContext, type UserContext } from './user-context.js';
import { serializeValue, serializeVariables } from './user-value.js';

/** Where an execution is; it is reported exactly once. */
interface Progress {
  phase: 'loading' | 'calling' | 'draining' | 'reported';
  /** Value of a script that has been evaluated and whose event loop is still busy. */
  value: unknown;
}

const OWN_FILE = __filename;

/**
 * Runs one execution and reports how it ended.
 *
 * A function ends when its promise settles; the worker then ends the process. A script ends as under
 * `node script.js`: when its event loop is empty, at process.exit, or at an error nobody caught.
 * `releaseLoop` is called once nothing but user code should keep the process alive.
 */
export async function runExecution(
  command: ExecuteCommand,
  signal: AbortSignal,
  releaseLoop: () => void,
): Promise<void> {
  useNonce(command.nonce);
  startUsage();
  const context = createUserContext(command.context, signal);
  const progress: Progress = { phase: 'loading', value: undefined };
  watchEnd(command, context, progress);
  prepareGlobals(command);
  const { rootUrl, modules, packagesDir } = command;
  const hook = installImportHook({ rootUrl, modules, packagesDir, requestModule });
  try {
    const startedAt = performance.now();
    const namespace = (await import(command.entry)) as Record<string, unknown>;
    sendFrame('loaded', { loadMs: `${performance.now() - startedAt}` });
    if (command.functionName === null) {
      progress.value = typeof namespace['default'] === 'function' ? undefined : scriptValue(namespace);
      progress.phase = 'draining';
      releaseLoop();
      return;
    }
    progress.phase = 'calling';
    const value = await findFunction(namespace, command.functionName)(command.parameters, context);
    if (settled(progress)) return;
    progress.phase = 'reported';
    reportValue(value, context, command.resultLimitBytes);
  } catch (error) {
    if (settled(progress)) return;
    const script = command.functionName === null;
    progress.phase = 'reported';
    // As Node does for a script; for a function the error is the result, not output.
    if (script) emitOutput('stderr', 'error', `${inspectError(error)}\n`);
    sendError(hook.failureOf(error)?.code ?? 'USER_ERROR', reportError(error, OWN_FILE), context);
  }
}

/** A script's value is what it exports as default; a CommonJS script that exports nothing has none. */
function scriptValue(namespace: Record<string, unknown>): unknown {
  const value = namespace['default'];
  const emptyCommonJs = 'module.exports' in namespace && typeof value === 'object' && value !== null;
  return emptyCommonJs && Object.keys(value).length === 0 ? undefined : value;
}

const settled = (progress: Progress): boolean => progress.phase === 'reported';

type UserFunction = (parameters: Record<string, unknown>, context: UserContext) => unknown;

/** The export to call; for CommonJS also a property of module.exports. */
function findFunction(namespace: Record<string, unknown>, name: string): UserFunction {
  const exported = namespace[name] ?? (namespace['default'] as Record<string, unknown> | undefined)?.[name];
  if (typeof exported === 'function') return exported as UserFunction;
  const names = Object.keys(namespace).filter((key) => typeof namespace[key] === 'function');
  const known = names.length > 0 ? `it exports: ${names.join(', ')}` : 'it exports no function';
  throw new TypeError(`"${name}" is not a function that the module exports; ${known}`);
}

/** Reports an end that comes without our doing: an empty event loop, process.exit, an uncaught error. */
function watchEnd(command: ExecuteCommand, context: UserContext, progress: Progress): void {
  process.on('uncaughtExceptionMonitor', (error: unknown) => {
    if (settled(progress)) return;
    const report = reportError(error, OWN_FILE);
    sendFrame('uncaught', {
      name: json(report.name),
      message: json(report.message),
      stack: json(report.stack),
    });
  });
  process.on('exit', (exitCode) => {
    if (settled(progress)) return;
    const drained = progress.phase === 'draining' && exitCode === 0;
    progress.phase = 'reported';
    if (drained) return reportValue(progress.value, context, command.resultLimitBytes);
    sendFrame('exiting', { exitCode: `${exitCode}`, ...ending(context) });
  });
}

function reportValue(value: unknown, context: UserContext, limitBytes: number): void {
  const serialized = serializeValue(value, limitBytes);
  if (serialized.ok) {
    sendFrame('result', { value: serialized.json, ...ending(context) });
    return;
  }
  const { code, message } = serialized;
  sendError(code, { name: 'TypeError', message, stack: null }, context);
}

function sendError(code: ErrorCode, report: ErrorReport, context: UserContext): void {
  sendFrame('error', {
    code: json(code),
    name: json(report.name),
    message: json(report.message),
    stack: json(report.stack),
    ...ending(context),
  });
}

const ending = (context: UserContext): Record<string, string> => ({
  variables: serializeVariables(context.variables),
  usage: usageJson(),
});

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
  process.argv = [process.execPath, fileNameOf(command.entry)];
}

const fileNameOf = (url: string): string => decodeURI(new URL(url).pathname);
