import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, plain } from '../output/output.js';
import type { Terminal } from '../packages/packages-terminal.js';
import { WorkspaceClient } from './workspace-client.js';
import { diffLines, isEmpty, logTable } from './workspace-report.js';

/** `bifrost workspace log`: the generations that can be gone back to, the newest first. */
export async function showLog(options: { json?: boolean }, terminal: Terminal): Promise<ExitCode> {
  const { stdout } = terminal.output;
  const { log, current } = await clientOf(terminal).overview();
  if (options.json) stdout.write(asJson({ current, log }));
  else stdout.write(log.length === 0 ? 'nothing has been published yet\n' : logTable(log, current));
  return EXIT.succeeded;
}

/** `bifrost workspace list`: the paths of a generation, one a line. */
export async function listFiles(
  options: { generation?: string; json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const { stdout } = terminal.output;
  const wanted =
    options.generation === undefined ? undefined : generationArgument('--generation', options.generation);
  const { generation, paths } = await clientOf(terminal).paths(wanted);
  if (options.json) stdout.write(asJson({ generation, paths }));
  else {
    const lines = Object.keys(paths).toSorted();
    stdout.write(lines.map((path) => `${plain(path)}\n`).join(''));
  }
  return EXIT.succeeded;
}

/** `bifrost workspace diff A B`: what changes from A to B. */
export async function showDiff(
  from: string,
  to: string,
  { json }: { json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const { stdout } = terminal.output;
  const diff = await clientOf(terminal).diff(generationArgument('A', from), generationArgument('B', to));
  if (json) stdout.write(asJson(diff));
  else stdout.write(isEmpty(diff) ? 'no difference\n' : diffLines(diff, stdout));
  return EXIT.succeeded;
}

/** `bifrost workspace rollback N`: publishes an old generation again. */
export async function rollback(
  text: string,
  options: { message?: string; json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const to = generationArgument('N', text);
  const published = await clientOf(terminal).rollback(to, options.message);
  const { generation, files } = published;
  terminal.output.stdout.write(
    options.json
      ? asJson(published)
      : `published generation ${generation} with the ${files} files of generation ${to}\n`,
  );
  return EXIT.succeeded;
}

/**
 * A generation as it stands on a command line.
 * @throws {CommandError} naming the argument
 */
export function generationArgument(name: string, text: string): number {
  const generation = Number(text);
  if (/^\d+$/.test(text) && generation > 0) return generation;
  throw new CommandError(EXIT.usage, `${name} ${text}: must be the number of a generation`);
}

const clientOf = ({ access, interrupt }: Terminal): WorkspaceClient => new WorkspaceClient(access, interrupt);
