import { once } from 'node:events';
import type { ApiAccess } from '../http/api-access.js';
import { openStream } from '../http/api-request.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { type FilterOptions, filterQuery, momentOf, present } from './history-options.js';
import type { Output } from '../output/output.js';
import { ProgressBar } from '../output/progress-bar.js';

export interface ExportOptions extends FilterOptions {
  from?: string;
  to?: string;
}

const LINE_BREAK = 0x0a;

/**
 * `bifrost export`: writes result documents as JSON lines to stdout, however many there are, and how far
 * it is to stderr where that is a terminal. Resolves with the exit code.
 * @throws {CommandError} when there is no answer, or it breaks off: then what was written is incomplete.
 */
export async function exportHistory(
  { from, to, ...filter }: ExportOptions,
  { access, output, interrupt }: { access: ApiAccess; output: Output; interrupt: AbortSignal },
): Promise<ExitCode> {
  const now = new Date();
  const times = present({ since: momentOf('--from', from, now), until: momentOf('--to', to, now) });
  const query = new URLSearchParams({ ...filterQuery(filter), ...times });
  let bar: ProgressBar | null = null;
  let lines = 0;
  try {
    const path = `/executions/export?${query.toString()}`;
    const { headers, body } = await openStream(access, { path, accept: 'application/x-ndjson' }, interrupt);
    bar = new ProgressBar(output.stderr, Number(headers.get('x-total-count') ?? 0));
    for await (const chunk of body) {
      for (const byte of chunk) if (byte === LINE_BREAK) lines += 1;
      bar.update(lines);
      // The reader of stdout decides how fast we go, so that nothing piles up here.
      if (!output.stdout.write(chunk)) await once(output.stdout, 'drain');
    }
  } catch (error) {
    bar?.end();
    if (interrupt.aborted) return EXIT.cancelled;
    if (error instanceof CommandError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.unavailable,
      `the export stopped after ${lines} executions (${reason}); what was written is incomplete`,
    );
  }
  bar.end();
  return EXIT.succeeded;
}
