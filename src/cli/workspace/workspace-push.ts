import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, paint, plain } from '../output/output.js';
import type { Terminal } from '../packages/packages-terminal.js';
import { WorkspaceClient } from './workspace-client.js';
import { unusedOptions } from './unused-options.js';
import { type Folder, readFolder, readIgnoreRules } from './workspace-folder.js';
import { publishFolder } from './workspace-publish.js';
import { diffLines, isEmpty, summaryOf, uploadBar } from './workspace-report.js';
import { changesIn } from './workspace-watch.js';

const MAX_SKIPPED_SHOWN = 5;

/** Options of `bifrost workspace push` as they stand on the command line. */
export interface PushOptions {
  message?: string;
  dryRun?: boolean;
  watch?: boolean;
  expect?: string;
  json?: boolean;
}

/**
 * `bifrost workspace push DIR`: makes the workspace what the folder is; with `watch`, again after each change
 * until Ctrl-C.
 * @throws {CommandError} when nothing was published.
 */
export async function push(dir: string, options: PushOptions, terminal: Terminal): Promise<ExitCode> {
  const { output, interrupt } = terminal;
  if (options.watch && (options.dryRun || options.expect !== undefined)) {
    throw new CommandError(EXIT.usage, '--watch: goes with neither --dry-run nor --expect');
  }
  try {
    if (options.watch) await pushChanges(dir, options, terminal);
    else await pushOnce(dir, options, terminal);
    return EXIT.succeeded;
  } catch (error) {
    if (!interrupt.aborted) throw error;
    if (options.watch) return EXIT.succeeded;
    output.stderr.write('interrupted; bifrost workspace log shows whether it was published\n');
    return EXIT.cancelled;
  }
}

/** Ends by Ctrl-C only. A push that fails is reported; the next change tries again. */
async function pushChanges(dir: string, options: PushOptions, terminal: Terminal): Promise<void> {
  const { stderr } = terminal.output;
  const rules = await readIgnoreRules(dir);
  for await (const _change of changesIn(dir, rules, terminal.interrupt)) {
    await pushOnce(dir, options, terminal).catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      stderr.write(`${paint('red', 'bifrost:', stderr)} ${error.message}\n`);
    });
  }
}

async function pushOnce(dir: string, options: PushOptions, terminal: Terminal): Promise<void> {
  const { access, output, interrupt } = terminal;
  const folder = await readFolder(dir);
  warnOfSkipped(folder.skipped, output);
  warnOfOptions(folder, output);
  const publication = await publishFolder(
    new WorkspaceClient(access, interrupt),
    folder,
    {
      ...(options.message === undefined ? {} : { message: options.message }),
      ...(options.expect === undefined ? {} : { expected: parseExpected(options.expect) }),
      ...(options.dryRun ? { dry_run: true } : {}),
    },
    uploadBar(output),
  );
  if (options.json) {
    output.stdout.write(asJson(publication));
    return;
  }
  const { generation, diff } = publication;
  output.stdout.write(diffLines(diff, output.stdout));
  const end = options.dryRun
    ? `dry run, nothing was published: ${summaryOf(diff)}`
    : isEmpty(diff)
      ? `nothing to publish: generation ${generation} has the same files`
      : `published generation ${generation}: ${summaryOf(diff)}`;
  output.stdout.write(`${end}\n`);
}

function warnOfSkipped(skipped: readonly string[], { stderr }: Output): void {
  if (skipped.length === 0) return;
  const shown = skipped.slice(0, MAX_SKIPPED_SHOWN).map(plain).join(', ');
  const rest = skipped.length > MAX_SKIPPED_SHOWN ? ` and ${skipped.length - MAX_SKIPPED_SHOWN} more` : '';
  stderr.write(`left out, no UTF-8 text or a link: ${shown}${rest}\n`);
}

function warnOfOptions({ files }: Folder, { stderr }: Output): void {
  const unused = unusedOptions((path) => files.get(path)?.source ?? null);
  if (unused.length > 0)
    stderr.write(`tsconfig.json: not used by workspace modules: ${unused.join(', ')} (docs/workspace.md)\n`);
}

function parseExpected(text: string): number | null {
  if (text === 'none') return null;
  const generation = Number(text);
  if (Number.isInteger(generation) && generation > 0) return generation;
  throw new CommandError(EXIT.usage, `--expect ${text}: must be the number of a generation, or none`);
}
