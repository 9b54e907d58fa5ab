import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from '../contract/result.js';
import type { ApiAccess } from './api-access.js';
import { ApiClient, type ExecutionView, hasEnded } from './api-client.js';
import { UnavailableError } from './api-errors.js';
import { CommandError, EXIT, type ExitCode } from './exit.js';
import { asJson, type Output, paint } from './output.js';
import { exitCodeOf, reportOf } from './run-report.js';
import { contextOf, type RunOptions } from './run-request.js';
import { waitingWords } from './status.js';
import { withLocalModules } from './run-workspace.js';

/** Short, so that it is known soon whether the execution was accepted. */
const FIRST_WAIT_SECONDS = 1;
/** Below the 60 s after which many proxies give up. */
const WAIT_SECONDS = 55;
/** How long an execution that was accepted is asked for while nobody answers: a worker's restart, a Redis failover. */
const PATIENCE_MS = 30_000;
/** A server that answers at once instead of waiting is not asked more often. */
const MIN_ROUND_MS = 1000;

/** What `bifrost run` needs beside its command line. */
export interface RunSurroundings {
  access: ApiAccess;
  output: Output;
  /** Aborted by Ctrl-C. */
  interrupt: AbortSignal;
  patienceMs?: number;
}

/**
 * `bifrost run FILE`: submits a file, waits for its result and prints that. Resolves with the exit code.
 * @throws {CommandError} when there is no result to speak of.
 */
export async function run(
  file: string,
  options: RunOptions,
  surroundings: RunSurroundings,
): Promise<ExitCode> {
  const { output, interrupt, access } = surroundings;
  const inline = contextOf(file, await readSource(file), options);
  const context = await withLocalModules(inline, file, options.workspace, surroundings);
  // An id of ours, so that it can be told whatever happens to the answer.
  const id = crypto.randomUUID();
  const client = new ApiClient(access, interrupt);
  let accepted = false;
  try {
    const first = await client.submit({ execution_id: id, ...context }, FIRST_WAIT_SECONDS);
    accepted = true;
    if (first.status === 'queued' && first.waiting && !options.json)
      output.stderr.write(paint('dim', `queued${waitingWords(first)}\n`, output.stderr));
    const result = await untilEnded(client, first, surroundings);
    print(result, options, output);
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

/** Asks until there is a result, over short absences of the API. */
async function untilEnded(
  client: ApiClient,
  first: ExecutionView,
  { interrupt, patienceMs = PATIENCE_MS }: RunSurroundings,
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

function print(result: ExecutionResult, { json }: RunOptions, { stdout, stderr }: Output): void {
  if (json) {
    stdout.write(asJson(result));
    return;
  }
  const report = reportOf(result);
  stdout.write(report.stdout);
  stderr.write(report.stderr);
  if (report.failure) stderr.write(paint('red', report.failure, stderr));
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
