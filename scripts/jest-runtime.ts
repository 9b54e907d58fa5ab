import JestRuntime from 'jest-runtime';
import { createRequire, isBuiltin } from 'node:module';
import type vm from 'node:vm';
import { isOfPackage, loadPackage, packageModule } from './jest-packages.ts';

// Jest evaluates each module anew for each spec file, in a context of its own. Here the context is that of Node, the
// packages are those that Node has loaded (`jest-packages.ts`), and what V8 makes of a module of ours that has been
// parsed before in this process is kept and given to it again.

/** Of one module. */
interface Parsed {
  source: string;
  /** null: it was parsed once. What only one spec file loads is not worth keeping. */
  data: Buffer | null;
}

/** The object that Jest's own modules take these functions from, whenever they call them. */
const machine = createRequire(import.meta.url)('node:vm') as typeof vm;
const { compileFunction, SourceTextModule, SyntheticModule } = machine;
const parsed = new Map<string, Parsed>();

/** What is known of a module; undefined where it has not been seen with this text. */
function known(name: string, source: string): Parsed | undefined {
  const found = parsed.get(name);
  if (found?.source === source) return found;
  parsed.set(name, { source, data: null });
  return undefined;
}

machine.compileFunction = (source, parameters, given) => {
  const options = { ...given, parsingContext: undefined };
  const name = `${parameters?.join() ?? ''} ${given?.filename ?? ''}`;
  const before = known(name, source);
  if (before?.data) return compileFunction(source, parameters, { ...options, cachedData: before.data });
  const made = compileFunction(source, parameters, { ...options, produceCachedData: before !== undefined });
  if (before && made.cachedData) before.data = made.cachedData;
  return made;
};

machine.SourceTextModule = new Proxy(SourceTextModule, {
  construct(made, [source, given]: [string, vm.SourceTextModuleOptions?]): object {
    const options = { ...given, context: undefined };
    const name = given?.identifier ?? '';
    const before = known(name, source);
    if (before?.data) {
      try {
        return new made(source, { ...options, cachedData: before.data });
      } catch {
        // V8 takes nothing that it made under other flags, which a spec may have set.
        before.data = null;
      }
    }
    const module = new made(source, options);
    // Not among the types of Node.
    if (before) before.data = (module as unknown as { createCachedData: () => Buffer }).createCachedData();
    return module;
  },
});

machine.SyntheticModule = new Proxy(SyntheticModule, {
  construct: (made, [names, evaluate, options]: ConstructorParameters<typeof SyntheticModule>): object =>
    new made(names, evaluate, { ...options, context: undefined }),
});

/**
 * Sources of ours that spec files share: the programs of confined processes are bundled once in a process of Jest. What
 * it keeps follows from the sources alone.
 */
const SHARED_SOURCES: ReadonlySet<string> = new Set([
  new URL('../src/isolation/confined-program.ts', import.meta.url).href,
]);
const shared = new Map<string, vm.Module>();

/** The ES modules of a spec file by their URLs. */
class Modules extends Map<string, vm.Module> {
  override get(url: string): vm.Module | undefined {
    return super.get(url) ?? shared.get(url) ?? packageModule(url);
  }

  override set(url: string, module: vm.Module): this {
    if (SHARED_SOURCES.has(url)) shared.set(url, module);
    return super.set(url, module);
  }
}

type RuntimeClass = typeof JestRuntime.default;
type Runtime = InstanceType<RuntimeClass>;

// Its types are those of its CommonJS, what is imported is the class.
export default class OurRuntime extends (JestRuntime as unknown as RuntimeClass) {
  constructor(...options: ConstructorParameters<RuntimeClass>) {
    const before = Reflect.getOwnPropertyDescriptor(process, 'getBuiltinModule') as PropertyDescriptor;
    super(...options);
    // Set by Jest on what is a copy elsewhere.
    Object.defineProperty(process, 'getBuiltinModule', before);
    // Jest keeps it to itself.
    (this as unknown as { registries: { esModuleRegistry: Modules } }).registries.esModuleRegistry =
      new Modules();
  }

  /* oxlint-disable typescript/no-unnecessary-type-parameters -- as Jest has it */
  override requireModule<T>(...[from, name, ...more]: Parameters<Runtime['requireModule']>): T {
    const path = name === undefined ? undefined : packagePath(from, name);
    return path === undefined ? super.requireModule<T>(from, name, ...more) : (loadPackage(path) as T);
  }

  /** Also of a source that is shared, when the spec file that it was evaluated for has ended. */
  override requireModuleOrMock<T>(from: string, name: string): T {
    const path = packagePath(from, name);
    return path === undefined ? super.requireModuleOrMock<T>(from, name) : (loadPackage(path) as T);
  }
  /* oxlint-enable typescript/no-unnecessary-type-parameters */
}

/** The file of a package that a name stands for; undefined for what is not one, and for the part of Jest that runs a spec file. */
function packagePath(from: string, name: string): string | undefined {
  if (name.startsWith('.') || name === '@jest/globals' || isBuiltin(name)) return undefined;
  const path = createRequire(from).resolve(name);
  return isOfPackage(path) && !path.includes('/jest-circus/') ? path : undefined;
}
