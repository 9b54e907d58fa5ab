import { types } from 'node:util';
import { VALUE_DEPTH_LIMIT } from '../../contract/value-limits.js';
import { keysOf } from '../channel/primordials.js';
import { isPlain, ITEMS_LIMIT, manyItems, NoJsonForm } from './json-form.js';

type Fields = Record<string, unknown>;

/**
 * Whether a value holds promises, or what is read asynchronously. It is looked for where a JSON form would
 * show it: in arrays, plain objects, maps and sets.
 */
export function hasPending(value: unknown): boolean {
  const seen = new Set<object>();
  const look = (item: unknown, depth: number): boolean => {
    if (typeof item !== 'object' || item === null || depth > VALUE_DEPTH_LIMIT) return false;
    if (isPending(item)) return true;
    const isHolder = Array.isArray(item) || types.isMap(item) || types.isSet(item) || isPlain(item);
    if (!isHolder || types.isProxy(item) || seen.has(item)) return false;
    seen.add(item);
    for (const inner of innerOf(item)) if (look(inner, depth + 1)) return true;
    return false;
  };
  try {
    return look(value, 0);
  } catch {
    // A getter threw: where, is said when the value is written.
    return false;
  }
}

/**
 * The value with what its promises resolve to, and asynchronous iterables as arrays.
 * @throws {NoJsonForm} when one yields without end; or what a promise is rejected with
 */
export async function withoutPending(value: unknown, ancestors: readonly object[] = []): Promise<unknown> {
  if (typeof value !== 'object' || value === null || ancestors.includes(value)) return value;
  const within = [...ancestors, value];
  const settle = (item: unknown): Promise<unknown> => withoutPending(item, within);
  if (isThenable(value)) return settle(await value);
  if (isPending(value)) return Promise.all((await collect(value as AsyncIterable<unknown>)).map(settle));
  if (types.isProxy(value)) return value;
  if (Array.isArray(value)) return Promise.all(value.map(settle));
  if (types.isMap(value)) {
    const entries = [...value].map(async ([key, item]) => [key, await settle(item)] as const);
    return new Map(await Promise.all(entries));
  }
  if (types.isSet(value)) return new Set(await Promise.all([...value].map(settle)));
  if (!isPlain(value)) return value;
  const names = keysOf(value);
  const items = await Promise.all(names.map((name) => settle((value as Fields)[name])));
  const copy = Object.create(null) as Fields;
  for (const [at, name] of names.entries()) copy[name] = items[at];
  return copy;
}

function innerOf(holder: object): Iterable<unknown> {
  if (types.isMap(holder)) return holder.values();
  return Array.isArray(holder) || types.isSet(holder) ? holder : Object.values(holder);
}

const isThenable = (value: object): value is PromiseLike<unknown> =>
  types.isPromise(value) || typeof (value as { then?: unknown }).then === 'function';

/** Asynchronous iterables that show nothing of themselves; streams have properties and are not read. */
const isPending = (value: object): boolean =>
  isThenable(value) ||
  (typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function' &&
    !isPlain(value) &&
    keysOf(value).length === 0);

async function collect(value: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of value) {
    if (items.length === ITEMS_LIMIT) throw new NoJsonForm(manyItems);
    items.push(item);
  }
  return items;
}
