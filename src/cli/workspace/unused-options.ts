import { posix } from 'node:path';
import { fromJsonc } from '../../lib/text/jsonc.js';

/** Options of a tsconfig.json that change what code means, or where imports lead, and that workspaces do not use. */
const UNUSED = ['rootDirs', 'moduleSuffixes', 'customConditions'];
const FILES_LIMIT = 16;

/**
 * Names what the tsconfig.json of a folder, and what that extends, say that modules will not follow once they
 * are published; options about checking and output are not worth a word. A file that cannot be read says nothing.
 * @param read a file of the folder by its path from there, or null
 */
export function unusedOptions(read: (path: string) => string | null): string[] {
  const unused: string[] = [];
  const options: Record<string, unknown> = {};
  const seen = new Set<string>();
  const add = (path: string, text: string): void => {
    if (seen.has(path) || seen.size >= FILES_LIMIT) return;
    seen.add(path);
    const config = recordIn(parsed(text));
    for (const parent of [config['extends']].flat()) {
      if (typeof parent !== 'string') continue;
      const found = parentOf(path, parent, read);
      if (found) add(found.path, found.text);
      else unused.push(`extends ${JSON.stringify(parent)}`);
    }
    Object.assign(options, recordIn(config['compilerOptions']));
  };
  add('tsconfig.json', read('tsconfig.json') ?? '');
  unused.push(...UNUSED.filter((name) => Object.hasOwn(options, name) && options[name] !== false));
  const { emitDecoratorMetadata: metadata, experimentalDecorators: legacy } = options;
  if (metadata === true && legacy !== true)
    unused.push('emitDecoratorMetadata without experimentalDecorators');
  return unused;
}

function parentOf(
  from: string,
  name: string,
  read: (path: string) => string | null,
): { path: string; text: string } | null {
  if (!/^\.\.?\//.test(name)) return null;
  const path = posix.join(posix.dirname(from), name);
  for (const candidate of [path, `${path}.json`]) {
    const text = read(candidate);
    if (text !== null) return { path: candidate, text };
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return fromJsonc(text);
  } catch {
    return null;
  }
}

const recordIn = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
