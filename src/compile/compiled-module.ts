import type { SourceFormat } from '../boundary/shipped-module.js';

/** A workspace module as the runner loads it. */
export interface CompiledModule {
  format: SourceFormat;
  /** JavaScript with an inline source map, or JSON text. */
  source: string;
  /** Everything the module names literally: imports, `import('…')`, `require('…')`, `require.resolve('…')`; no doubles. */
  specifiers: string[];
  /** The part of `specifiers` without which the module cannot be linked: `import` and `export … from`. */
  staticImports: string[];
  /** ESM that nevertheless calls a free `require`; it is imported from `bifrost:require`. */
  usesRequire: boolean;
}

/** Extensions of what can be imported. */
export const MODULE_EXTENSIONS = [
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
  '.json',
] as const;

export type ModuleExtension = (typeof MODULE_EXTENSIONS)[number];

/** The extension of a path by which it can be imported; null: a file of this name is only stored. */
export function moduleExtensionOf(path: string): ModuleExtension | null {
  const extension = /\.[^./]+$/.exec(path)?.[0].toLowerCase();
  return MODULE_EXTENSIONS.find((known) => known === extension) ?? null;
}

/** Whether a file of this name can be imported. */
export const isModulePath = (path: string): boolean => moduleExtensionOf(path) !== null;
