import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, plain } from '../output/output.js';
import type { Terminal } from '../packages/packages-terminal.js';
import { WorkspaceClient } from './workspace-client.js';
import { digest } from './workspace-folder.js';
import { generationArgument } from './workspace-generations.js';

const FILES_AT_ONCE = 16;

/** Options of `bifrost workspace pull` as they stand on the command line. */
export interface PullOptions {
  generation?: string;
  force?: boolean;
  json?: boolean;
}

/**
 * `bifrost workspace pull DIR`: writes the files of a generation into a folder. Files that only the folder
 * has stay; files that differ there are overwritten with `force` only.
 * @throws {CommandError} naming the files that differ; then nothing was written.
 */
export async function pull(dir: string, options: PullOptions, terminal: Terminal): Promise<ExitCode> {
  const { access, output, interrupt } = terminal;
  const client = new WorkspaceClient(access, interrupt);
  const wanted =
    options.generation === undefined ? undefined : generationArgument('--generation', options.generation);
  const { generation, paths } = await client.paths(wanted);
  if (generation === null) throw new CommandError(EXIT.usage, 'nothing has been published yet');

  const absent: string[] = [];
  const different: string[] = [];
  for (const [path, hash] of Object.entries(paths)) {
    const local = await localHash(placeOf(dir, path));
    if (local === null) absent.push(path);
    else if (local !== hash) different.push(path);
  }
  if (different.length > 0 && !options.force) {
    const list = different.map((path) => `\n  ${plain(path)}`).join('');
    throw new CommandError(
      EXIT.usage,
      `files differ from generation ${generation}; --force overwrites:${list}`,
    );
  }
  const changes = [...absent, ...different];
  for (let from = 0; from < changes.length; from += FILES_AT_ONCE) {
    const batch = changes.slice(from, from + FILES_AT_ONCE);
    await Promise.all(
      batch.map(async (path) => write(placeOf(dir, path), await client.readFile(generation, path))),
    );
  }
  const same = Object.keys(paths).length - changes.length;
  output.stdout.write(
    options.json
      ? asJson({ generation, added: absent, overwritten: different, same })
      : `pulled generation ${generation}: ${absent.length} new, ${different.length} overwritten, ${same} the same\n`,
  );
  return EXIT.succeeded;
}

/** Where a path lies in the folder. What an API says must not write anywhere else. */
function placeOf(dir: string, path: string): string {
  const root = resolve(dir);
  const place = resolve(root, path);
  if (place.startsWith(root.endsWith(sep) ? root : root + sep)) return place;
  throw new CommandError(EXIT.unavailable, `the workspace has a path that leads out of it: ${plain(path)}`);
}

async function write(place: string, source: string): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, source);
}

async function localHash(place: string): Promise<string | null> {
  try {
    return digest(await readFile(place, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CommandError(EXIT.usage, `${place}: ${(error as Error).message}`);
  }
}
