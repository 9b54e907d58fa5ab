import type { LogEvent } from '../../contract/log-stream.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { logEvents } from './log-events.js';
import { LogView } from './log-view.js';
import type { Output } from '../output/output.js';

/** Options of `bifrost logs` as they stand on the command line. */
export interface LogsOptions {
  follow?: boolean;
  json?: boolean;
}

/** What `bifrost logs` needs beside its command line. */
export interface LogsIo {
  access: ApiAccess;
  output: Output;
  /** Aborted by Ctrl-C. */
  interrupt: AbortSignal;
}

/**
 * `bifrost logs ID`: prints what an execution has printed, with `follow` until it ends. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer.
 */
export async function logs(id: string, options: LogsOptions, io: LogsIo): Promise<ExitCode> {
  const { access, output, interrupt } = io;
  const view = new LogView(output);
  const events = options.follow
    ? logEvents({ id, access, interrupt })
    : pages(new ApiClient(access, interrupt), id);
  try {
    for await (const event of events) {
      if (options.json) output.stdout.write(`${JSON.stringify(event)}\n`);
      else view.show(event);
    }
    return EXIT.succeeded;
  } catch (error) {
    if (interrupt.aborted) return EXIT.cancelled;
    throw error;
  } finally {
    view.close();
  }
}

/** What is there now. */
async function* pages(client: ApiClient, id: string): AsyncGenerator<LogEvent> {
  let after: string | null = null;
  for (;;) {
    const page = await client.logs(id, after);
    yield* page.entries;
    if (page.ended || page.next === null || page.entries.length === 0) return;
    after = page.next;
  }
}
