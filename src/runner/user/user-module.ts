import { types } from 'node:util';
import { hasOwn } from '../channel/primordials.js';
import { isPlain } from './json-form.js';
import type { UserContext } from './user-context.js';

/** A function of the user's, and the object whose method it is. */
export interface OwnedFunction {
  called: UserFunction;
  owner: unknown;
}

export type UserFunction = (parameters: Record<string, unknown>, context: UserContext) => unknown;

/** A script's value is what it exports as default; a CommonJS script that exports nothing has none. */
export const scriptValue = (exported: unknown, isCommonJs: boolean): unknown =>
  isCommonJs && isEmptyObject(exported) ? undefined : exported;

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !types.isProxy(value) &&
  isPlain(value) &&
  Object.keys(value).length === 0;

/** What a CommonJS module exports is there as its default export. */
export const commonJsOf = (namespace: Record<string, unknown>): Record<string, unknown> | undefined =>
  (namespace['default'] ?? undefined) as Record<string, unknown> | undefined;

/**
 * The export to call; also a property of module.exports, or of the object that is the default export, which
 * is then what the function has as `this`.
 */
export function findFunction(namespace: Record<string, unknown>, name: string): OwnedFunction {
  const object = commonJsOf(namespace);
  const method: unknown = name === 'default' ? undefined : methodOf(object, name);
  const isMethod = 'module.exports' in namespace && typeof method === 'function';
  const exported: unknown = isMethod ? undefined : namespace[name];
  if (typeof exported === 'function') return { called: exported as UserFunction, owner: undefined };
  if (typeof method === 'function') return { called: method as UserFunction, owner: object };
  const nested: unknown = name === 'default' ? object?.['default'] : undefined;
  if (typeof nested === 'function') return { called: nested as UserFunction, owner: object };
  const names = Object.keys(namespace).filter((key) => typeof namespace[key] === 'function');
  const known = names.length > 0 ? `it exports: ${names.join(', ')}` : 'it exports no function';
  throw new TypeError(`"${name}" is not a function that the module exports; ${known}`);
}

/** What the code has put there; not `toString`, `constructor` and whatever else every object has without it. */
function methodOf(object: Record<string, unknown> | undefined, name: string): unknown {
  const method = object?.[name];
  if (object === undefined || typeof method !== 'function' || hasOwn(object, name)) return method;
  const isInherent = name === 'constructor' || /\{\s*\[native code\]\s*\}$/.test(sourceOf(method));
  return isInherent ? undefined : method;
}

const sourceOf = (called: unknown): string => Function.prototype.toString.call(called);

/** A function that can be called without `new`. */
export const isCallable = (value: unknown): value is UserFunction =>
  typeof value === 'function' && !/^class\b/.test(sourceOf(value));
