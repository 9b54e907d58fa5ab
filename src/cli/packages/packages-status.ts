import { pause } from '../../lib/time-limit.js';
import type { PackagesOverview, PackagesState } from '../../contract/packages.js';
import { ApiClient } from '../http/api-client.js';
import { UnavailableError } from '../http/api-errors.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Colour, paint } from '../output/output.js';
import type { Terminal } from './packages-terminal.js';
import { doneText, rolloutLine, rolloutOf } from './packages-rollout.js';
import { statusTable } from './packages-table.js';

const WATCH_MS = 1_000;
/** Cursor home, and whatever is below it away. */
const CLEAR = '\u001B[H\u001B[J';
const COLOURS: Readonly<Record<PackagesState, Colour>> = {
  none: 'dim',
  installing: 'yellow',
  ready: 'green',
  failed: 'red',
};

/**
 * `bifrost packages status`: prints what each live worker has. With `watch` it goes on until Ctrl-C: a
 * terminal shows the state of now, anything else gets a new table when something changed.
 * @throws {CommandError} when the API gives no answer; while it watches, a short outage is waited out.
 */
export async function packagesStatus(
  options: { watch?: boolean; json?: boolean },
  { access, output, interrupt }: Terminal,
): Promise<ExitCode> {
  const client = new ApiClient(access, interrupt);
  const { stdout } = output;
  const show = (overview: PackagesOverview): string =>
    options.json ? asJson(overview) : statusText(overview, stdout);
  if (!options.watch) {
    stdout.write(show(await client.packages()));
    return EXIT.succeeded;
  }
  const redraws = (stdout as Partial<NodeJS.WriteStream>).isTTY === true && !options.json;
  let shown = '';
  for (let first = true; !interrupt.aborted; first = false) {
    const text = await client.packages().then(show, (error: unknown) => {
      if (interrupt.aborted) return shown;
      if (first || !(error instanceof UnavailableError)) throw error;
      return `${error.message}\n`;
    });
    if (text !== shown) stdout.write(redraws ? `${CLEAR}${text}` : text);
    shown = text;
    await pause(WATCH_MS, interrupt);
  }
  return EXIT.succeeded;
}

/** The table, and above it on which manifest it is and how far all workers are together. */
function statusText(overview: PackagesOverview, stdout: NodeJS.WritableStream): string {
  const { content, hash, problem, packages, workers } = overview;
  const table = statusTable(overview, (state, text) => paint(COLOURS[state] ?? 'dim', text, stdout));
  if (problem !== null) return `${problem}\n${table}`;
  if (content === null) return `no manifest\n${table}`;
  const rollout = rolloutOf(overview);
  const far = rollout.done < rollout.workers ? rolloutLine(rollout) : doneText(rollout);
  const head = `manifest ${hash?.slice(0, 12) ?? 'without a hash'}, ${packages.length} packages`;
  return `${head}\n${workers.length === 0 ? '' : `${far}\n`}${table}`;
}
