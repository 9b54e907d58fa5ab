import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from '../../contract/result.js';
import { ApiClient, type ExecutionView, hasEnded } from '../http/api-client.js';
import { UnavailableError } from '../http/api-errors.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { logEvents } from './log-events.js';
import { LogView } from './log-view.js';
import { asJson, type Output, paint } from '../output/output.js';
import { exitCodeOf, reportOf } from './run-report.js';
import type { LocalPlaces } from './local-places.js';
import { contextOf, jobOptionsOf, moduleContextOf, type RunOptions } from './run-request.js';
import { waitingWords } from './status.js';
import type { RunIo } from './run-io.js';
import { type LocalCode, withLocalModules } from './run-workspace.js';

/** Short, so that it is known soon whether the execution was accepted. */
const FIRST_WAIT_SECONDS = 1;
/** Below the 60 s after which many proxies give up. */
const WAIT_SECONDS = 55;
/** How long to poll for an accepted execution while the API does not answer: a worker's restart, a Redis failover. */
const PATIENCE_MS = 30_000;
/** A server that answers at once instead of waiting is not asked more often. */
const MIN_ROUND_MS = 1000;

/**
 * `bifrost run FILE`, or `bifrost run --module PATH`: submits code, waits for its result and prints that. Resolves with the exit code.
 * @throws {CommandError} when there is no result to speak of.
 */
export async function run(file: string | undefined, options: RunOptions, io: RunIo): Promise<ExitCode> {
  const { output, interrupt, access } = io;
  const jobOptions = jobOptionsOf(options);
  const { context, places } = await codeOf(file, options, io);
  // The command chooses the id, so that it can print it even when the answer is lost.
  const id = crypto.randomUUID();
  const client = new ApiClient(access, interrupt);
  let accepted = false;
  try {
    const silent = options.json || options.quiet;
    const first = await client.submit(
      { execution_id: id, ...jobOptions, ...context },
      silent ? FIRST_WAIT_SECONDS : 0,
    );
    accepted = true;
    const shown = silent ? null : await showLog(id, client, io, places);
    const result = await untilEnded(client, first, io);
    print(result, options, output, shown, places);
    return exitCodeOf(result.status);
  } catch (error) {
    const where = `${access.url}/executions/${id}`;
    if (interrupt.aborted) {
      const state = accepted ? 'goes on' : 'may have been submitted already';
      output.stderr.write(`interrupted; execution ${id} ${state}: ${where}\n`);
      return EXIT.cancelled;
    }
    const arrived = accepted || (error instanceof UnavailableError && error.arrived);
    if (!arrived || !(error instanceof CommandError)) throw error;
    const state = accepted ? 'was accepted' : 'may have been accepted';
    throw new CommandError(error.exitCode, `${error.message}; execution ${id} ${state}: ${where}`);
  }
}

/** Shows what is printed until the end; null where there is no live log and nothing was shown. */
async function showLog(
  id: string,
  client: ApiClient,
  { access, output, interrupt, patienceMs }: RunIo,
  places: LocalPlaces,
): Promise<LogView | null> {
  const view = new LogView(output, places);
  let shown = false;
  const waits = setTimeout(() => void showWaitingReason(id, client, output), FIRST_WAIT_SECONDS * 1000);
  try {
    const events = logEvents({ id, access, interrupt, ...(patienceMs === undefined ? {} : { patienceMs }) });
    for await (const event of events) {
      shown = true;
      clearTimeout(waits);
      view.show(event);
    }
  } catch {
    interrupt.throwIfAborted();
    // The request for the result, which is next, reports why the API does not answer.
    if (shown) view.note('the connection broke: what is printed from here on is in the result');
  } finally {
    clearTimeout(waits);
    view.close();
  }
  return shown ? view : null;
}

/** Explains why nothing is shown yet. Never rejects. */
async function showWaitingReason(id: string, client: ApiClient, { stderr }: Output): Promise<void> {
  const view = await client.find(id, 0).catch(() => null);
  if ((view?.status === 'queued' || view?.status === 'delayed') && view.waiting)
    stderr.write(paint('dim', `${view.status}${waitingWords(view)}\n`, stderr));
}

/** Asks until there is a result, over short absences of the API. */
async function untilEnded(
  client: ApiClient,
  first: ExecutionView,
  { interrupt, patienceMs = PATIENCE_MS }: RunIo,
): Promise<ExecutionResult> {
  let view = first;
  let answeredAt = performance.now();
  while (!hasEnded(view)) {
    const askedAt = performance.now();
    try {
      view = await client.find(view.execution_id, WAIT_SECONDS);
      answeredAt = performance.now();
      if (hasEnded(view)) break;
    } catch (error) {
      const passing = error instanceof UnavailableError && performance.now() - answeredAt < patienceMs;
      if (!passing) throw error;
    }
    await sleep(Math.max(0, askedAt + MIN_ROUND_MS - performance.now()), undefined, { signal: interrupt });
  }
  return view;
}

const NOTHING = { stdout: '', stderr: '' };

/** @param shown what the code printed was shown there already */
function print(
  result: ExecutionResult,
  { json, quiet }: RunOptions,
  { stdout, stderr }: Output,
  shown: LogView | null,
  places: LocalPlaces,
): void {
  if (json) {
    stdout.write(asJson(result));
    return;
  }
  const report = reportOf(result, shown || quiet ? NOTHING : result);
  if (shown?.open.stdout && report.stdout) stdout.write('\n');
  if (shown?.open.stderr && report.failure) stderr.write('\n');
  stdout.write(report.stdout);
  stderr.write(places(report.stderr));
  if (report.failure) stderr.write(paint('red', places(report.failure), stderr));
}

/** A file as it is here, with those that it imports, or a module that is published already. */
async function codeOf(file: string | undefined, options: RunOptions, io: RunIo): Promise<LocalCode> {
  const { module } = options;
  if ((file === undefined) === (module === undefined))
    throw new CommandError(EXIT.usage, 'name a file, or a module of the workspace with --module');
  if (module !== undefined)
    return { context: moduleContextOf(module, options, io.env), places: (text) => text };
  const path = file as string;
  const inline = contextOf(path, await readSource(path), options, io.env);
  return withLocalModules(inline, path, options.workspace, io);
}

async function readSource(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${whyUnreadable(error as NodeJS.ErrnoException)}`);
  }
}

function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'is a folder; name the file to run';
    case 'EACCES':
      return 'may not be read by you';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text';
    default:
      return message;
  }
}
