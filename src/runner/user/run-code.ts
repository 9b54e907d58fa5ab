import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { boundTo, inNextTurn, thenOf } from '../channel/primordials.js';
import { hasPending, withoutPending } from './pending-values.js';
import { hasMainGuard, runMainModule } from './script.js';
import type { UserContext } from './user-context.js';
import { findFunction, isCallable, type OwnedFunction, scriptValue } from './user-module.js';
import { acceptParameters, schemaOf } from './user-parameters.js';

/** Attaches what follows when a promise is fulfilled; a rejection is seen to elsewhere. */
export type Caught = (promise: Promise<unknown>, done: (value: unknown) => void) => void;

/** One run of code. */
export interface CodeRun {
  command: ExecuteCommand;
  context: UserContext;
  /** All modules are evaluated. */
  onLoaded: () => void;
  caught: Caught;
  /** It has not ended by itself meanwhile. */
  mayUse: () => boolean;
}

type Namespace = Record<string, unknown>;

/*
 * Functions of the user's are called by a promise reaction and bound to their arguments, so that none of our
 * calls is in their stack traces.
 */

/** Loads the entry and calls the function; `returned` gets its value, once that can be sent. */
export function runFunction(run: CodeRun, returned: (value: unknown) => void): void {
  const { command, context, onLoaded, caught } = run;
  const called = thenOf(namespaceOf(command.entry), async (loaded) => {
    onLoaded();
    const found = findFunction(loaded, command.functionName as string);
    const schema = schemaOf(found.called, loaded);
    const parameters = schema ? await acceptParameters(schema, command.parameters) : command.parameters;
    // Boxed: the promise of an async function is not to wait for it here.
    return { call: bound(found, parameters, context) };
  });
  caught(called, (ready) => {
    const { call } = ready as { call: () => unknown };
    caught(thenOf(NOTHING, call), (value) => whenSettled(run, value, returned));
  });
}

/** Modules that are loaded, by URL: asking Node again costs as much as running a small function. Nothing of it is user code's to reach. */
const loaded = { __proto__: null } as unknown as Record<string, Namespace | undefined>;

function namespaceOf(url: string): Promise<Namespace> {
  const known = loaded[url];
  if (known !== undefined) return thenOf(NOTHING, () => known) as Promise<Namespace>;
  const loading = import(url) as Promise<Namespace>;
  // Inline code has a URL of its own each time.
  if (url.includes('?run=')) return loading;
  return thenOf(loading, (namespace) => (loaded[url] = namespace)) as Promise<Namespace>;
}

/** Runs the entry as a program; `evaluated` gets its value, while what it began may go on. */
export function runScript(run: CodeRun, evaluated: (value: unknown) => void): void {
  const { command, context, onLoaded, caught } = run;
  const entry = command.modules.find(({ url }) => url === command.entry.replace(/\?run=.*$/, ''));
  const use = (exported: unknown, isCommonJs: boolean): void => {
    onLoaded();
    if (!isCallable(exported) || (entry && hasMainGuard(entry))) {
      const value = typeof exported === 'function' ? undefined : scriptValue(exported, isCommonJs);
      return whenSettled(run, value, evaluated);
    }
    const call = bound({ called: exported, owner: undefined }, command.parameters, context);
    caught(thenOf(NOTHING, call), (value) => whenSettled(run, value, evaluated));
  };
  if (entry?.format === 'commonjs') {
    inNextTurn(() => use(runMain(command.entry, entry.source, evaluated), true));
    return;
  }
  caught(import(command.entry), (loaded) => use((loaded as Namespace)['default'], false));
}

/** What it throws goes on to Node, which may have listeners for it; then what it has begun goes on. */
function runMain(entry: string, source: string, evaluated: (value: unknown) => void): unknown {
  let failed = true;
  try {
    const exported = runMainModule(entry, source);
    failed = false;
    return exported;
  } finally {
    if (failed) evaluated(undefined);
  }
}

const NOTHING = Promise.resolve();

const bound = (
  { called, owner }: OwnedFunction,
  parameters: Record<string, unknown>,
  context: UserContext,
): (() => unknown) => boundTo(called, owner, parameters, context);

/** Promises within the value are waited for, and what is asynchronous to read is read. */
function whenSettled({ caught, mayUse }: CodeRun, value: unknown, done: (value: unknown) => void): void {
  if (!mayUse() || !hasPending(value)) return done(value);
  caught(withoutPending(value), done);
}
