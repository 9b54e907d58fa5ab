import { createRequire, isBuiltin, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import {
  type ModuleFailure,
  type ModuleReply,
  type ModuleRequest,
  PROBE_SPECIFIER,
  REQUIRE_SPECIFIER,
} from '../../boundary/module-protocol.js';
import type { ShippedModule } from '../../boundary/shipped-module.js';
import { moduleUrl, pathOfUrl } from '../../boundary/workspace-url.js';
import { checkBuiltin } from './refused-builtins.js';
import { NAMES_SPECIFIER, namedImports, namesModule, namesUrl } from './named-imports.js';
import { PackageShortcut } from './package-shortcut.js';
import { noticeBuiltin } from '../network/proxied-network.js';
import { registerScript } from '../report/variables.js';

export interface ImportHookOptions {
  /** URL of the workspace folder, with a slash at its end. */
  rootUrl: string;
  /** Sent along with the execution. */
  modules: readonly ShippedModule[];
  /** Folder that holds `node_modules`; null: there are no packages. */
  packagesDir: string | null;
  /** Asks the worker and waits for its answer with the whole thread. */
  requestModule(request: ModuleRequest): ModuleReply;
}

/** Answers questions of the runner about imports. */
export interface ImportHook {
  /** The cause of an error that an import threw, also where user code has passed it on; undefined for any other. */
  failureOf(thrown: unknown): ModuleFailure | undefined;
  /** Another execution in the same process, of the same generation and package set: what it ships replaces what it names. */
  next(modules: readonly ShippedModule[]): void;
  /** Imports are Node's again. */
  remove(): void;
}

type ResolveContext = Parameters<NonNullable<Parameters<typeof registerHooks>[0]['resolve']>>[1];
type ResolvedModule = {
  url: string;
  format?: string;
  shortCircuit?: boolean;
  importAttributes?: ImportAttributes;
};
type NextResolve = (specifier: string, context?: Partial<ResolveContext>) => ResolvedModule;

/**
 * Makes `import` and `require` find workspace modules that are on no disk, packages of the package set
 * and nothing else by those names. Registers hooks and does no other work until the first import.
 */
export function installImportHook(options: ImportHookOptions): ImportHook {
  const table = new ModuleTable(options);
  const hooks = registerHooks({
    resolve: (specifier, context, next) => table.resolve(specifier, context, next as NextResolve),
    load(url, context, next) {
      const source = table.load(url);
      return source ? { ...source, shortCircuit: true } : next(url, context);
    },
  });
  return {
    failureOf: (thrown) => table.failures.get(thrown as Error),
    next: (modules) => table.next(modules),
    remove: () => hooks.deregister(),
  };
}

/** Makes process.getBuiltinModule refuse what imports refuse, and give the probe of scripts its way to us. */
export function guardBuiltins(): void {
  const original = process.getBuiltinModule.bind(process);
  process.getBuiltinModule = ((id: string): unknown => {
    checkBuiltin(id);
    noticeBuiltin(id);
    return id === PROBE_SPECIFIER ? registerScript : original(id);
  }) as typeof process.getBuiltinModule;
}

/** The worker's reasons why something is not there; for the code they are one. */
const NOT_THERE: ReadonlySet<ModuleFailure['code']> = new Set([
  'MODULE_NOT_FOUND',
  'PACKAGE_REFUSED',
  'PACKAGE_INSTALL_FAILED',
]);
/** Node resolves subpaths for `import` only as they are. */
const SUBPATH_ERRORS = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT']);
const MISSING_PACKAGE = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/** What specifiers mean and what the modules hold, for one execution. */
class ModuleTable {
  readonly failures = new WeakMap<Error, ModuleFailure>();
  /** By path, since Node spells the URL of a CommonJS importer in its own way. */
  private readonly modules = new Map<string, ShippedModule>();
  /** What the worker has answered: importer and specifier -> URL, or null for a package. */
  private readonly answers = new Map<string, string | null>();
  private readonly rootUrl: string;
  /** Packages are looked for as if a file in this folder imported them. */
  private readonly anchorUrl: string | null;
  private readonly shortcut: PackageShortcut | null;

  constructor(private readonly options: ImportHookOptions) {
    this.rootUrl = options.rootUrl;
    const { packagesDir } = options;
    this.anchorUrl = packagesDir === null ? null : pathToFileURL(`${packagesDir}/workspace.js`).href;
    this.shortcut =
      packagesDir === null ? null : new PackageShortcut(pathToFileURL(`${packagesDir}/node_modules/`).href);
    this.add(options.modules);
  }

  next(modules: readonly ShippedModule[]): void {
    if (this.answers.size > 0) this.answers.clear();
    this.add(modules);
  }

  resolve(specifier: string, context: ResolveContext, next: NextResolve): ResolvedModule {
    const parentUrl = context.parentURL;
    checkBuiltin(specifier);
    if (isBuiltin(specifier)) {
      noticeBuiltin(specifier);
      return next(specifier, context);
    }
    const importer = parentUrl === undefined ? null : pathOfUrl(this.rootUrl, parentUrl);
    if (importer !== null) return this.fromWorkspace(specifier, importer, context, next);
    if (specifier.startsWith(this.rootUrl))
      return this.toWorkspace(specifier, parentUrl ?? this.rootUrl, context);
    const direct = this.shortcut?.resolve(specifier, parentUrl);
    return direct ? { ...direct, shortCircuit: true } : next(specifier, context);
  }

  load(url: string): { format: string; source: string } | null {
    if (url.startsWith(REQUIRE_SPECIFIER)) return requireFor(url.slice(REQUIRE_SPECIFIER.length + 1));
    if (url.startsWith(NAMES_SPECIFIER)) return { format: 'module', source: namesModule(url) };
    if (url.startsWith(PROBE_SPECIFIER)) return probeOf(url.slice(PROBE_SPECIFIER.length + 1));
    const path = pathOfUrl(this.rootUrl, url);
    const shipped = path === null ? undefined : this.modules.get(path);
    return shipped ? { format: shipped.format, source: shipped.source } : null;
  }

  private fromWorkspace(
    specifier: string,
    importer: string,
    context: ResolveContext,
    next: NextResolve,
  ): ResolvedModule {
    const from = moduleUrl(this.rootUrl, importer);
    if (specifier === REQUIRE_SPECIFIER) {
      return { url: `${REQUIRE_SPECIFIER}?${from}`, format: 'module', shortCircuit: true };
    }
    if (specifier === PROBE_SPECIFIER)
      return { url: `${PROBE_SPECIFIER}?${context.parentURL}`, format: 'module', shortCircuit: true };
    const url = this.meaningOf(specifier, importer, from, context);
    return url === null ? this.packageOf(specifier, from, context, next) : this.found(url);
  }

  /** A package, `eval` or the runner itself names a workspace module by its URL. */
  private toWorkspace(url: string, from: string, context: ResolveContext): ResolvedModule {
    const path = pathOfUrl(this.rootUrl, url);
    if (path !== null && this.modules.has(path)) return this.found(url);
    return this.found(this.ask({ specifier: url, from }, context) ?? url);
  }

  /** URL of a workspace module, or null for a package. */
  private meaningOf(
    specifier: string,
    importer: string,
    from: string,
    context: ResolveContext,
  ): string | null {
    const shipped = this.modules.get(importer)?.imports;
    if (shipped && Object.hasOwn(shipped, specifier)) {
      const target = shipped[specifier] as string | null;
      // Of what is loaded late the worker sends only a bounded amount ahead, and nothing that it could not compile.
      if (target === null || this.modules.has(pathOfUrl(this.rootUrl, target) ?? '')) return target;
    }
    const key = `${importer}\0${specifier}`;
    const answered = this.answers.get(key);
    if (answered !== undefined) return answered;
    const url = this.ask({ specifier, from }, context);
    this.answers.set(key, url);
    return url;
  }

  private found(url: string): ResolvedModule {
    const format = this.modules.get(pathOfUrl(this.rootUrl, url) ?? '')?.format;
    return {
      url,
      shortCircuit: true,
      ...(format ? { format } : {}),
      ...(format === 'json' ? { importAttributes: { type: 'json' } } : {}),
    };
  }

  private packageOf(
    specifier: string,
    from: string,
    context: ResolveContext,
    next: NextResolve,
  ): ResolvedModule {
    if (this.anchorUrl === null) return this.missing(specifier, from, context);
    try {
      // Node takes the importer of a require() from the module that calls, not from here.
      if (context.conditions.includes('require')) {
        return next(createRequire(this.anchorUrl).resolve(specifier), context);
      }
      const found = this.importedPackage(specifier, this.anchorUrl, context, next);
      return this.withNames(found, specifier, from);
    } catch (error) {
      if (!MISSING_PACKAGE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return this.missing(specifier, from, context);
    }
  }

  /** A subpath without extension, or of a folder, means what it means to require() and to bundlers. */
  private importedPackage(
    specifier: string,
    anchorUrl: string,
    context: ResolveContext,
    next: NextResolve,
  ): ResolvedModule {
    try {
      return next(specifier, { ...context, parentURL: anchorUrl });
    } catch (error) {
      const file = SUBPATH_ERRORS.has((error as NodeJS.ErrnoException).code ?? '')
        ? resolved(createRequire(anchorUrl), specifier)
        : null;
      if (file === null) throw error;
      return next(pathToFileURL(file).href, { ...context, parentURL: anchorUrl });
    }
  }

  /** What a workspace module imports of CommonJS by name is looked for in what that exports when it has run. */
  private withNames(found: ResolvedModule, specifier: string, from: string): ResolvedModule {
    if (found.format !== 'commonjs' && found.format != null) return found;
    const importer = this.modules.get(pathOfUrl(this.rootUrl, from) ?? '');
    if (importer?.format !== 'module') return found;
    const names = namedImports(importer.source).get(specifier);
    if (names === undefined) return found;
    return { url: namesUrl(found.url, specifier, names), format: 'module', shortCircuit: true };
  }

  private missing(specifier: string, from: string, context: ResolveContext): never {
    const reply = this.options.requestModule({ specifier, from, missing: true });
    if (reply.kind === 'error') throw this.errorOf(reply.error, context);
    throw this.errorOf(
      { code: 'MODULE_NOT_FOUND', name: 'ModuleNotFound', message: `Cannot find "${specifier}"` },
      context,
    );
  }

  private ask(request: ModuleRequest, context: ResolveContext): string | null {
    const reply = this.options.requestModule(request);
    if (reply.kind === 'error') throw this.errorOf(reply.error, context);
    if (reply.kind === 'package') return null;
    this.add(reply.modules);
    return reply.url;
  }

  private add(modules: readonly ShippedModule[]): void {
    for (const shipped of modules)
      this.modules.set(pathOfUrl(this.rootUrl, shipped.url) ?? shipped.url, shipped);
  }

  /** With the code that Node gives, since programs that try an import look at it. */
  private errorOf(failure: ModuleFailure, context: ResolveContext): Error {
    const error =
      failure.name === 'SyntaxError' ? new SyntaxError(failure.message) : new Error(failure.message);
    const required = context.conditions.includes('require');
    const missing = required ? 'MODULE_NOT_FOUND' : 'ERR_MODULE_NOT_FOUND';
    const code = NOT_THERE.has(failure.code) ? missing : failure.code;
    Object.defineProperty(error, 'name', { value: failure.name, configurable: true, writable: true });
    if (failure.code !== 'USER_ERROR') Object.assign(error, { code });
    this.failures.set(error, failure);
    return error;
  }
}

const requireFor = (importerUrl: string): { format: string; source: string } => ({
  format: 'module',
  source: `import { createRequire } from 'node:module'; export const require = createRequire(${JSON.stringify(importerUrl)});`,
});

/** Evaluated before the script that imports it; holds the script's namespace, which stays live when the script throws. */
const probeOf = (scriptUrl: string): { format: string; source: string } => ({
  format: 'module',
  source: `import * as script from ${JSON.stringify(scriptUrl)}; try { process.getBuiltinModule('${PROBE_SPECIFIER}')(script); } catch {}`,
});

/** null: require() does not find it either. */
function resolved(require: NodeJS.Require, specifier: string): string | null {
  try {
    return require.resolve(specifier);
  } catch {
    return null;
  }
}
