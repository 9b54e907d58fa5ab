import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { SyntheticModule } from 'node:vm';

// The packages that specs and sources import, as modules of Jest. Node loads each once in a process of Jest, as it does
// for a worker; Jest would evaluate them anew for each spec file.

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, '..', 'node_modules', '/');
const folderUrl = pathToFileURL(folder).href;
const modules = new Map<string, SyntheticModule | undefined>();

/** Names that packages have set on the global object when they were loaded. */
export const globalsOfPackages = new Set<PropertyKey>();

/** Whether a path is one of an installed package. */
export const isOfPackage = (path: string): boolean => path.startsWith(folder);

/** What `require` gives for a path of a package: exports, or the namespace of an ES module. */
export function loadPackage(path: string): unknown {
  const before = new Set(Reflect.ownKeys(globalThis));
  const exports: unknown = require(path);
  for (const key of Reflect.ownKeys(globalThis)) if (!before.has(key)) globalsOfPackages.add(key);
  return exports;
}

/**
 * The module of a URL, linked and not yet evaluated at first. undefined where the URL is not one of a package, or of one
 * that `require` cannot load, since it waits for something at its top level.
 */
export function packageModule(url: string): SyntheticModule | undefined {
  if (!url.startsWith(folderUrl)) return undefined;
  if (!modules.has(url)) modules.set(url, makeModule(fileURLToPath(url)));
  return modules.get(url);
}

function makeModule(path: string): SyntheticModule | undefined {
  let loaded: unknown;
  try {
    loaded = loadPackage(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_REQUIRE_ASYNC_MODULE') return undefined;
    throw error;
  }
  const values = types.isModuleNamespaceObject(loaded)
    ? new Map<string, unknown>(Object.entries(loaded as object))
    : namesOf(loaded);
  return new SyntheticModule(
    [...values.keys()],
    function (this: SyntheticModule) {
      for (const [name, value] of values) this.setExport(name, value);
    },
    { identifier: path },
  );
}

/** What an `import` of a CommonJS module may name. */
function namesOf(exports: unknown): Map<string, unknown> {
  const isRecord = (typeof exports === 'object' && exports !== null) || typeof exports === 'function';
  const values = new Map<string, unknown>(isRecord ? Object.entries(exports) : []);
  return values.set('default', exports).set('module.exports', exports);
}
