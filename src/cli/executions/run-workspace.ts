import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { RequestedContext } from '../../contract/context.js';
import { CommandError, EXIT } from '../output/exit.js';
import { INLINE_NAME, type LocalPlaces, localPlaces } from './local-places.js';
import { paint } from '../output/output.js';
import type { RunIo } from './run-io.js';
import { WorkspaceClient } from '../workspace/workspace-client.js';
import { readFolder } from '../workspace/workspace-folder.js';
import { publishFolder } from '../workspace/workspace-publish.js';
import { uploadBar } from '../workspace/workspace-report.js';

/** What follows `from`, `import`, `import(` and `require(`. Finding one too many costs an upload, no more. */
const SPECIFIER = /\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g;

/** Where a file lies in the folder that is taken for the workspace. */
interface Place {
  root: string;
  /** From the root, with `/`. */
  path: string;
}

/** What runs, and where it lies on this disk. */
export interface LocalCode {
  context: RequestedContext;
  places: LocalPlaces;
}

/**
 * Lets code that imports other files of its folder run as it is on disk: pushes the folder as a generation
 * that never becomes current, and names it. Other code stays inline.
 * @param context what would run if there were nothing to import
 * @param workspace the folder, where one was named; else it is the working directory, if the file is in it
 * @throws {CommandError} with file, line and column of syntax errors
 */
export async function withLocalModules(
  context: RequestedContext,
  file: string,
  workspace: string | undefined,
  { access, output, interrupt }: RunIo,
): Promise<LocalCode> {
  const place = placeOf(file, workspace);
  const code = context.workflow_code ?? '';
  if (workspace === undefined && !(await importsFilesOf(place.root, code)))
    return { context, places: localPlaces(new Map([[INLINE_NAME, file]])) };
  const folder = await readFolder(place.root);
  if (!folder.files.has(place.path)) {
    throw new CommandError(EXIT.usage, `${file}: is left out by the ignore rules of ${place.root}`);
  }
  const client = new WorkspaceClient(access, interrupt);
  const { generation } = await publishFolder(client, folder, { temporary: true }, uploadBar(output)).catch(
    (error: unknown) => {
      throw interrupt.aborted
        ? new CommandError(EXIT.cancelled, 'interrupted before anything was submitted')
        : error;
    },
  );
  const said = `${folder.files.size} files of ${place.root} as generation ${generation}`;
  output.stderr.write(`${paint('dim', said, output.stderr)}\n`);
  const files = [...folder.files.keys()].map((path) => [path, join(place.root, path)] as const);
  return { context: pinned(context, place.path, generation), places: localPlaces(new Map(files)) };
}

/** A module runs by a call only; a script is imported by inline code that does nothing else. */
function pinned(context: RequestedContext, path: string, generation: number | null): RequestedContext {
  const { workflow_code: _code, ...rest } = context;
  return {
    ...rest,
    workspace_generation: generation,
    ...(context.function_name == null
      ? { workflow_code: `import ${JSON.stringify(`./${path}`)};` }
      : { file_path: path }),
  };
}

function placeOf(file: string, workspace: string | undefined): Place {
  const full = resolve(file);
  const root = resolve(workspace ?? (isWithin(process.cwd(), full) ? process.cwd() : dirname(full)));
  if (!isWithin(root, full))
    throw new CommandError(EXIT.usage, `${file}: is not in --workspace ${workspace}`);
  return { root, path: relative(root, full).split(sep).join('/').normalize('NFC') };
}

const isWithin = (root: string, file: string): boolean =>
  file.startsWith(root.endsWith(sep) ? root : root + sep);

/** Relative specifiers, and bare ones whose first part is a name in the folder (`shared/money`). */
async function importsFilesOf(root: string, code: string): Promise<boolean> {
  const specifiers = [...code.matchAll(SPECIFIER)].map(([, , specifier]) => specifier as string);
  if (specifiers.some((specifier) => /^\.{1,2}\//.test(specifier))) return true;
  if (specifiers.length === 0) return false;
  const names = await readdir(root);
  const known = new Set(names.flatMap((name) => [name, name.replace(/\.[^.]+$/, '')]));
  known.delete('node_modules');
  return specifiers.some((specifier) => known.has(specifier.split('/', 1)[0] as string));
}
