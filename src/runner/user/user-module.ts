import type { UserContext } from './user-context.js';

/** A script's value is what it exports as default; a CommonJS script that exports nothing has none. */
export function scriptValue(namespace: Record<string, unknown>): unknown {
  const value = namespace['default'];
  const emptyCommonJs = 'module.exports' in namespace && typeof value === 'object' && value !== null;
  return emptyCommonJs && Object.keys(value).length === 0 ? undefined : value;
}

/** What a CommonJS module exports is there as its default export. */
export const commonJsOf = (namespace: Record<string, unknown>): Record<string, unknown> | undefined =>
  (namespace['default'] ?? undefined) as Record<string, unknown> | undefined;

export type UserFunction = (parameters: Record<string, unknown>, context: UserContext) => unknown;

/** The export to call; for CommonJS also a property of module.exports. */
export function findFunction(namespace: Record<string, unknown>, name: string): UserFunction {
  const exported = [namespace[name], commonJsOf(namespace)?.[name]];
  const called = exported.find((value) => typeof value === 'function');
  if (called) return called as UserFunction;
  const names = Object.keys(namespace).filter((key) => typeof namespace[key] === 'function');
  const known = names.length > 0 ? `it exports: ${names.join(', ')}` : 'it exports no function';
  throw new TypeError(`"${name}" is not a function that the module exports; ${known}`);
}
