import { readFile } from 'node:fs/promises';
import { contextOf, jobOptionsOf } from '../executions/run-request.js';
import { durationMs, present } from '../history/history-options.js';
import { ApiClient } from '../http/api-client.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import type { SetOptions } from './schedule-options.js';
import type { SchedulesIo } from './schedules-io.js';
import { printSchedule } from './schedules.js';

/**
 * `bifrost schedules set ID [FILE]`: sets a schedule. Resolves with the exit code.
 * @throws {CommandError} naming the argument that cannot be used, or when the API gives no answer.
 */
export async function setSchedule(
  id: string,
  file: string | undefined,
  options: SetOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  const request = scheduleRequest(file, file === undefined ? '' : await read(file), options);
  return printSchedule(await new ApiClient(access).setSchedule(id, request), options, output);
}

/** Body of `PUT /schedules/:id`. @throws {CommandError} naming the argument that cannot be used. */
export function scheduleRequest(file: string | undefined, code: string, options: SetOptions): object {
  const { module, cron, tz, every, start, end, overlap, missed, paused = false } = options;
  if ((file === undefined) === (module === undefined))
    throw new CommandError(EXIT.usage, 'name a file, or a module of the workspace with --module');
  if ((cron === undefined) === (every === undefined))
    throw new CommandError(EXIT.usage, 'say when: with --cron, or with --every');
  const { workflow_code: source, workflow_id: name, ...context } = contextOf(file ?? '', code, options);
  const what = module === undefined ? { workflow_code: source, workflow_id: name } : { file_path: module };
  return {
    ...present({ cron, tz, start, end, overlap, missed }),
    ...(every === undefined ? {} : { every: durationMs('--every', every) }),
    ...(paused ? { paused } : {}),
    execution: {
      ...what,
      ...context,
      ...jobOptionsOf(options),
    },
  };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${(error as Error).message}`);
  }
}
