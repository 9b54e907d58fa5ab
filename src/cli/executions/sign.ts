import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { executionJob, signedTask, signingKeys } from '../../contract/jobs/signature.js';
import { parseJson } from '../http/api-request.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import type { Output } from '../output/output.js';

export interface SignOptions {
  /** The file is a task and not a context. */
  task?: boolean;
  /** Of an execution. */
  id?: string;
  validFor?: string;
}

/**
 * `bifrost sign FILE`: prints the data of the job that has a stored context, or a task, run on workers
 * with JOB_SIGNING_KEY. Uses no network. Resolves with the exit code.
 * @throws {CommandError} naming what is missing.
 */
export async function signFile(
  file: string,
  { task = false, id, validFor }: SignOptions,
  { key: list, output }: { key: string | undefined; output: Output },
): Promise<ExitCode> {
  const [key] = signingKeys(list);
  if (key === undefined)
    throw new CommandError(EXIT.usage, 'JOB_SIGNING_KEY: must be set to the key of the workers');
  const document = await read(file);
  const validUntil = validFor === undefined ? null : Math.ceil(Date.now() / 1000 + seconds(validFor));
  const data = task ? sealTask(key, document, validUntil) : executionJob(key, idOf(id), document, validUntil);
  output.stdout.write(`${JSON.stringify(data)}\n`);
  return EXIT.succeeded;
}

function idOf(id: string | undefined): string {
  if (id === undefined)
    throw new CommandError(EXIT.usage, '--id: must name the execution whose context it is');
  return id;
}

function sealTask(key: string, document: string, validUntil: number | null): object {
  const task = (parseJson(document) ?? {}) as {
    taskId?: unknown;
    code?: unknown;
    timeout?: number;
    network?: string;
  };
  const { taskId, code } = task;
  if (typeof taskId !== 'string' || typeof code !== 'string')
    throw new CommandError(EXIT.usage, 'the task must be a JSON object with the texts taskId and code');
  return signedTask(key, { ...task, taskId, code, ...(validUntil === null ? {} : { validUntil }) });
}

function seconds(given: string): number {
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (Number.isFinite(value) && value > 0) return value;
  throw new CommandError(EXIT.usage, `--valid-for ${given}: must be a number of seconds above 0`);
}

async function read(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${(error as Error).message}`);
  }
}
