import module from 'node:module';
import { dirname } from 'node:path';
import type { ShippedModule } from '../../boundary/shipped-module.js';
import { fileNameOf } from '../reuse/traces.js';

interface MainModule {
  exports: unknown;
  id: string;
  filename: string;
  loaded: boolean;
  paths: string[];
  _compile(source: string, filename: string, format: 'commonjs'): void;
}

interface ModuleClass {
  new (id: string, parent: null): MainModule;
  _cache: Record<string, unknown>;
  _nodeModulePaths(folder: string): string[];
}

const Module = module as unknown as ModuleClass;

/**
 * Runs a CommonJS script as `node file` runs its main module: `require.main` and `process.mainModule` are it,
 * `this` is its exports, and what it throws reaches the caller.
 * @returns what it exports
 */
export function runMainModule(entry: string, source: string): unknown {
  const filename = fileNameOf(entry);
  const main = new Module(filename, null);
  main.id = '.';
  main.filename = filename;
  main.paths = Module._nodeModulePaths(dirname(filename));
  Module._cache[filename] = main;
  Object.defineProperty(process, 'mainModule', MAIN_ATTRIBUTES(main));
  main._compile(source, filename, 'commonjs');
  main.loaded = true;
  return main.exports;
}

const MAIN_ATTRIBUTES = (value: MainModule): PropertyDescriptor => ({
  value,
  writable: true,
  enumerable: true,
  configurable: true,
});

/**
 * Code that asks whether it is the main program runs what it exports by itself. Of `import.meta.main`, which
 * the compiler replaces, it leaves a comment. The path in `process.argv[1]` is of use for nothing else.
 */
const MAIN_GUARD =
  /\brequire\s*\.\s*main\b|\bprocess\s*\.\s*mainModule\b|\bimport\.meta\.main\b|\bargv\s*(?:\?\.)?\s*\[\s*1\s*\]/;

export const hasMainGuard = ({ source }: ShippedModule): boolean => MAIN_GUARD.test(source);
