/**
 * Reads of built-in values that call no code of the user's, whatever it has put over their methods: by the
 * functions that the prototypes had before any of it ran.
 */
import { types } from 'node:util';
import { apply, descriptorOf, prototypeOf } from '../channel/primordials.js';

type Read<T> = (value: object) => T;

function getter<T>(target: object, name: PropertyKey): Read<T> {
  // oxlint-disable-next-line typescript/unbound-method -- always applied to a target
  const get = descriptorOf(target, name)?.get as () => unknown;
  return (value) => apply(get, value, []) as T;
}

function method<T>(target: object, name: PropertyKey): Read<T> {
  const call = descriptorOf(target, name)?.value as () => unknown;
  return (value) => apply(call, value, []) as T;
}

const typedArray = prototypeOf(Uint8Array.prototype) as object;
const Bytes = Uint8Array;
const BufferPrototype = Buffer.prototype;

export const mapSize = getter<number>(Map.prototype, 'size');
export const setSize = getter<number>(Set.prototype, 'size');
export const entriesOf = method<object>(Map.prototype, 'entries');
export const valuesOf = method<object>(Set.prototype, 'values');
export const nextEntry = method<IteratorResult<[unknown, unknown], undefined>>(
  prototypeOf(new Map().entries()) as object,
  'next',
);
export const nextValue = method<IteratorResult<unknown, undefined>>(
  prototypeOf(new Set().values()) as object,
  'next',
);
export const timeOf = method<number>(Date.prototype, 'getTime');
export const isoOf = method<string>(Date.prototype, 'toISOString');
export const lengthOfTyped = getter<number>(typedArray, 'length');

const sourceOf = getter<string>(RegExp.prototype, 'source');
const flagsOf = getter<string>(RegExp.prototype, 'flags');
const hrefOf = getter<string>(URL.prototype, 'href');
const queryOf = method<string>(URLSearchParams.prototype, 'toString');
const viewBuffer = getter<ArrayBuffer>(DataView.prototype, 'buffer');
const viewOffset = getter<number>(DataView.prototype, 'byteOffset');
const viewLength = getter<number>(DataView.prototype, 'byteLength');
const numberOf = method<number>(Number.prototype, 'valueOf');
const stringOf = method<string>(String.prototype, 'valueOf');
const booleanOf = method<boolean>(Boolean.prototype, 'valueOf');

export const patternOf = (value: object): string => `/${sourceOf(value)}/${flagsOf(value)}`;

/** The text of a URL or of its query; null of everything else. */
export function addressOf(value: object): string | null {
  if (isOf(value, URL.prototype)) return hrefOf(value);
  return isOf(value, URLSearchParams.prototype) ? queryOf(value) : null;
}

/** The numbers that a typed array, a buffer or a view of one has; null of everything else. */
export function numbersOf(value: object): object | null {
  if (types.isTypedArray(value)) return value;
  if (types.isAnyArrayBuffer(value)) return new Bytes(value);
  return types.isDataView(value) ? new Bytes(viewBuffer(value), viewOffset(value), viewLength(value)) : null;
}

export const isBuffer = (value: object): boolean => isOf(value, BufferPrototype);

/** The number, text or truth in an object that wraps one; the object itself where it wraps none. */
export function unboxed(value: object): unknown {
  if (types.isNumberObject(value)) return numberOf(value);
  if (types.isStringObject(value)) return stringOf(value);
  return types.isBooleanObject(value) ? booleanOf(value) : value;
}

/** A property that is data, of the object itself or of what it inherits from; undefined where a getter has it. */
export function inheritedData(value: object, name: PropertyKey): unknown {
  for (let at: object | null = value; at !== null && !types.isProxy(at); at = prototypeOf(at)) {
    const property = descriptorOf(at, name);
    if (property !== undefined) return property.value as unknown;
  }
  return undefined;
}

function isOf(value: object, prototype: object): boolean {
  for (let at = prototypeOf(value); at !== null && !types.isProxy(at); at = prototypeOf(at))
    if (at === prototype) return true;
  return false;
}
