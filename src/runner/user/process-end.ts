/**
 * Follows how a process or thread ends under user code, in the order of Node: `beforeExit`, the listeners of
 * `exit`, the text of an uncaught error. Node gives no event that comes after the listeners of user code, so
 * the method that it calls to emit events is replaced, before user code runs.
 */
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { apply, exit } from '../channel/primordials.js';
import { fileNameOf } from '../reuse/traces.js';

/** Exit code that Node gives a program whose top-level `await` never settles. */
export const UNSETTLED_EXIT_CODE = 13;
const UNCAUGHT_EXIT_CODE = 1;
/** A listener for uncaught errors threw itself. */
const HANDLER_FAILED_EXIT_CODE = 7;
/** What the system keeps of the code that a process exits with. */
const EXIT_CODE_BITS = 0xff;

/** What is done at each step of an end. */
export interface EndSteps {
  /** The event loop is empty and no listener of user code is to see it. True: something else comes, the process stays. */
  emptied(): boolean;
  /** Nothing is left to run, and what was waited for has not come. */
  isUnsettled(): boolean;
  /** An error that nothing catches. The listeners of `exit` have not run yet. */
  uncaught(error: unknown): void;
  /** The listeners of `exit` have run. `error`: what was not caught, in a box; null: nothing. */
  ended(end: { exitCode: number; unsettled: boolean; error: { value: unknown } | null }): void;
}

/**
 * Calls the steps at every end from now on.
 * @returns takes the watch back; `emit` of the process is then what it was.
 */
export function watchProcessEnd(steps: EndSteps): () => void {
  const before = Object.getOwnPropertyDescriptor(process, 'emit');
  // oxlint-disable-next-line typescript/unbound-method -- applied to process
  const original = process.emit as (...args: unknown[]) => boolean;
  const emitEvent = (...args: unknown[]): boolean => apply(original, process, args);
  let isEmpty = false;
  let error: { value: unknown } | null = null;
  let hasFailedHandler = false;

  const die = (value: unknown, exitCode: number): void => {
    error = { value };
    steps.uncaught(value);
    process.exitCode = exitCode;
  };

  const atExit = (args: unknown[]): boolean => {
    const unsettled = error === null && isEmpty && !process.exitCode && steps.isUnsettled();
    if (unsettled) process.exitCode = UNSETTLED_EXIT_CODE;
    let hasListeners = false;
    try {
      // Node ends at once then.
      if (!hasFailedHandler) hasListeners = emitEvent('exit', unsettled ? UNSETTLED_EXIT_CODE : args[1]);
    } catch (thrown) {
      die(thrown, UNCAUGHT_EXIT_CODE);
    }
    const exitCode = Number(process.exitCode ?? args[1] ?? 0) & EXIT_CODE_BITS;
    steps.ended({ exitCode, unsettled, error });
    return hasListeners;
  };

  const atUncaught = (args: unknown[]): boolean => {
    let exitCode = UNCAUGHT_EXIT_CODE;
    let value = args[1];
    if (process.listenerCount('uncaughtException') > 0) {
      try {
        return emitEvent(...args);
      } catch (thrown) {
        value = thrown;
        exitCode = HANDLER_FAILED_EXIT_CODE;
        hasFailedHandler = true;
      }
    }
    die(value, exitCode);
    exit();
    return false;
  };

  const emit = (...args: unknown[]): boolean => {
    switch (args[0]) {
      case 'beforeExit': {
        const listeners = process.listenerCount('beforeExit') + process.listenerCount('exit');
        if (listeners === 0 && !args[1] && steps.emptied()) return true;
        isEmpty = true;
        return emitEvent(...args);
      }
      case 'exit':
        return isExiting() ? atExit(args) : emitEvent(...args);
      case 'uncaughtException':
        return atUncaught(args);
      default:
        return emitEvent(...args);
    }
  };
  Object.defineProperty(process, 'emit', {
    value: emit,
    writable: true,
    configurable: true,
    enumerable: false,
  });
  return () => {
    if (before) Object.defineProperty(process, 'emit', before);
    else Reflect.deleteProperty(process, 'emit');
  };
}

/** As Node warns; it names the file of the code, for the place is known to V8 alone. */
export const unsettledWarning = ({ entry, functionName }: ExecuteCommand): string =>
  functionName === null
    ? `Warning: Detected unsettled top-level await at ${fileNameOf(entry)}\n`
    : `Warning: the promise of ${functionName}() in ${fileNameOf(entry)} cannot settle: nothing is left to run\n`;

const isExiting = (): boolean => (process as unknown as { _exiting: boolean })._exiting;

/** Reaches the listeners of `uncaughtException`, as what the main module of Node throws does. */
export function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** A watch over promises, each of which is given to it. */
export interface RejectionWatch {
  watch(promise: Promise<unknown>): void;
  stop(): void;
}

/**
 * Calls back when one of the promises that it is given is rejected, without being a handler of it: what the
 * debugger takes for caught depends on the handlers. Errors of other promises end the process as they do in Node.
 */
export function watchRejections(callback: (error: unknown) => void): RejectionWatch {
  const own = new WeakSet<Promise<unknown>>();
  const onRejection = (error: unknown, rejected: Promise<unknown>): void => {
    if (own.has(rejected)) callback(error);
    else if (process.listenerCount('unhandledRejection') === 1) throw error;
  };
  process.on('unhandledRejection', onRejection);
  return {
    watch: (promise) => void own.add(promise),
    stop: () => void process.removeListener('unhandledRejection', onRejection),
  };
}
