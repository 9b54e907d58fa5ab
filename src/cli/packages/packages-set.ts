import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PackagesOverview } from '../../contract/packages.js';
import { ApiClient } from '../http/api-client.js';
import { UnavailableError } from '../http/api-errors.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson } from '../output/output.js';
import { StatusLine } from '../output/progress-bar.js';
import type { Terminal } from './packages-terminal.js';
import { doneText, type Rollout, rolloutLine, rolloutOf } from './packages-rollout.js';
import { failureList } from './packages-table.js';

const POLL_MS = 500;
/** How long to poll while the API does not answer: a worker's restart, a Redis failover. */
const SILENCE_LIMIT_MS = 30_000;

/**
 * `bifrost packages set`: publishes a manifest. Resolves with the exit code; with `wait`, when every live
 * worker is done with it, and then a package that failed anywhere is a failure.
 * @throws {CommandError} when the file cannot be read, a line is refused, or the API does not answer.
 */
export async function setPackages(
  file: string,
  options: { wait?: boolean; json?: boolean },
  { access, output, interrupt }: Terminal,
): Promise<ExitCode> {
  const client = new ApiClient(access, interrupt);
  const published = await client.setPackages(await manifestOf(file));
  const { packages, workers } = published;
  const said = `published ${counted(packages.length, 'package')} to ${counted(workers.length, 'live worker')}\n`;
  if (!options.json) output.stdout.write(said);
  if (!options.wait) {
    if (options.json) output.stdout.write(asJson(published));
    return EXIT.succeeded;
  }
  try {
    const end = await rolledOut(client, published, output.stderr, interrupt);
    output.stdout.write(options.json ? asJson(end) : failureList(end.workers));
    return rolloutOf(end).failing > 0 ? EXIT.failed : EXIT.succeeded;
  } catch (error) {
    if (!interrupt.aborted) throw error;
    output.stderr.write('interrupted; the workers go on: bifrost packages status\n');
    return EXIT.cancelled;
  }
}

async function manifestOf(file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(EXIT.usage, `${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

/** Asks until every live worker is done, and shows on a terminal how far they are. */
async function rolledOut(
  client: ApiClient,
  published: PackagesOverview,
  stderr: NodeJS.WritableStream,
  interrupt: AbortSignal,
): Promise<PackagesOverview> {
  const show = progressOn(stderr);
  let overview = published;
  let answeredAtMs = performance.now();
  try {
    for (;;) {
      if (overview.hash !== published.hash) {
        throw new CommandError(
          EXIT.failed,
          'another manifest was published meanwhile: bifrost packages status',
        );
      }
      const rollout = rolloutOf(overview);
      show.now(rollout);
      if (rollout.done === rollout.workers) return overview;
      await sleep(POLL_MS, undefined, { signal: interrupt });
      try {
        overview = await client.packages();
        answeredAtMs = performance.now();
      } catch (error) {
        const silent =
          error instanceof UnavailableError && performance.now() - answeredAtMs < SILENCE_LIMIT_MS;
        if (!silent) throw error;
      }
    }
  } finally {
    show.end();
  }
}

/** A terminal gets one line that changes; anything else gets a line whenever a worker is done. */
function progressOn(stream: NodeJS.WritableStream): { now(rollout: Rollout): void; end(): void } {
  const line = new StatusLine(stream);
  if (line.isShown) return { now: (rollout) => line.draw(rolloutLine(rollout)), end: () => line.leave() };
  let last = '';
  return {
    now(rollout) {
      const text = doneText(rollout);
      if (text !== last) stream.write(`${text}\n`);
      last = text;
    },
    end: () => undefined,
  };
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
