import { fromJsonc } from '../../lib/jsonc.js';

/** Options of a tsconfig.json that change what code means, or where imports lead, and that workspaces do not use. */
const UNUSED = [
  'baseUrl',
  'paths',
  'rootDirs',
  'moduleSuffixes',
  'customConditions',
  'emitDecoratorMetadata',
];

/**
 * Names what a tsconfig.json says that modules will not follow once they are published; options about
 * checking and output are not worth a word. A file that cannot be read says nothing.
 */
export function unusedOptions(text: string): string[] {
  let config: unknown;
  try {
    config = fromJsonc(text);
  } catch {
    return [];
  }
  const { extends: parent, compilerOptions: options } = (config ?? {}) as Record<string, unknown>;
  const given = typeof options === 'object' && options !== null ? (options as Record<string, unknown>) : {};
  const named = UNUSED.filter((name) => Object.hasOwn(given, name) && given[name] !== false);
  return parent === undefined ? named : ['extends', ...named];
}
