import JestRuntime from 'jest-runtime';
import { createRequire } from 'node:module';
import { types } from 'node:util';
import type vm from 'node:vm';

// Jest evaluates each module anew for each spec file, and so has V8 parse it anew. What V8 makes of a module that has
// been parsed before in this process is kept here and given to it again.

/** Of one module. */
interface Parsed {
  source: string;
  /** null: it was parsed once. What only one spec file loads is not worth keeping. */
  data: Buffer | null;
}

/** The object that Jest's own modules take these functions from, whenever they call them. */
const machine = createRequire(import.meta.url)('node:vm') as typeof vm;
const { compileFunction, constants, createContext, SourceTextModule } = machine;
const parsed = new Map<string, Parsed>();

/** What is known of a module; undefined where it has not been seen with this text. */
function known(name: string, source: string): Parsed | undefined {
  const found = parsed.get(name);
  if (found?.source === source) return found;
  parsed.set(name, { source, data: null });
  return undefined;
}

machine.compileFunction = (source, parameters, options) => {
  const name = `${parameters?.join() ?? ''} ${options?.filename ?? ''}`;
  const before = known(name, source);
  if (before?.data) return compileFunction(source, parameters, { ...options, cachedData: before.data });
  const made = compileFunction(source, parameters, { ...options, produceCachedData: before !== undefined });
  if (before && made.cachedData) before.data = made.cachedData;
  return made;
};

machine.SourceTextModule = new Proxy(SourceTextModule, {
  construct(made, [source, options = {}]: [string, vm.SourceTextModuleOptions?]): object {
    const name = options.identifier ?? '';
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

// A context around an object asks that object for each global, such as `Math` or `JSON`, each time that code names
// one; around the proxy that Jest has there, that is most of the time of a loop. This is a context of its own.
machine.createContext = (around, options) =>
  types.isProxy(around) ? createContext(constants.DONT_CONTEXTIFY, options) : createContext(around, options);

export default JestRuntime;
