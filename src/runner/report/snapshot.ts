/**
 * A picture of a value of user code as JSON text, for people to look at. It calls no code of the
 * user's: no getter, no toJSON, no trap of a proxy. What JSON cannot hold is described in angle brackets.
 */
import { types } from 'node:util';
import {
  apply,
  descriptorOf,
  keysOf,
  ownKeysOf,
  prototypeOf,
  stringify,
  text,
} from '../channel/primordials.js';
import { isSensitive } from './sensitive-names.js';

/** How much of a value is shown. */
export interface SnapshotBounds {
  /** Objects within objects. */
  depth: number;
  /** Properties, items or entries of one object. */
  entries: number;
  /** Characters of one string. */
  chars: number;
  /** Characters of JSON of everything together, about. */
  total: number;
}

const NAME_CHARS = 100;
/** Objects whose content is no variable of the user's; their tag says enough. */
const OPAQUE = [
  types.isPromise, types.isWeakMap, types.isWeakSet, types.isGeneratorObject, types.isExternal,
  types.isMapIterator, types.isSetIterator, types.isModuleNamespaceObject,
]; // prettier-ignore

const mapSize = getterOf(Map.prototype, 'size');
const setSize = getterOf(Set.prototype, 'size');
const byteLengthOf = getterOf(prototypeOf(Uint8Array.prototype) as object, 'byteLength');
const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength');
const entriesOf = methodOf(Map.prototype, 'entries');
const valuesOf = methodOf(Set.prototype, 'values');
const nextOfMap = methodOf(prototypeOf(new Map().entries()) as object, 'next');
const nextOfSet = methodOf(prototypeOf(new Set().values()) as object, 'next');
const timeOf = methodOf(Date.prototype, 'getTime');
const isoOf = methodOf(Date.prototype, 'toISOString');
const sourceOf = getterOf(RegExp.prototype, 'source');
const flagsOf = getterOf(RegExp.prototype, 'flags');
const sliceOf = methodOf(String.prototype, 'slice');
const replaceAllOf = methodOf(String.prototype, 'replaceAll');
const isArray = Array.isArray;

let secrets: readonly string[] = [];
let longestSecret = 0;

/**
 * What the worker hides, it cannot find where only a part of it was kept: texts that are cut are
 * cleaned here before. For the execution that begins now.
 */
export function hideSecrets(values: readonly string[]): void {
  secrets = values.filter((value) => value !== '');
  longestSecret = Math.max(0, ...secrets.map(({ length }) => length));
}

function withoutSecrets(value: string): string {
  let clean = value;
  for (let i = 0; i < secrets.length; i++)
    clean = apply(replaceAllOf, clean, [secrets[i], '<redacted>']) as string;
  return clean;
}

/** Pictures of several values that share one budget of characters. */
export class Snapshot {
  private left: number;
  private readonly ancestors: object[] = [];

  constructor(private readonly bounds: SnapshotBounds) {
    this.left = bounds.total;
  }

  /** Whether nothing more fits. */
  get isFull(): boolean {
    return this.left <= 0;
  }

  /** JSON text of one value under its name. Never throws. */
  take(name: string, value: unknown): string {
    let json: string;
    const before = this.left;
    try {
      json = isSensitive(name, value) ? '"<redacted>"' : this.json(value);
    } catch {
      this.ancestors.length = 0;
      json = '"<cannot be read>"';
    }
    this.left = before - json.length - name.length;
    return json;
  }

  private json(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'number':
        return this.spend(value - value === 0 ? `${value}` : `"<${value}>"`);
      case 'boolean':
        return this.spend(value ? 'true' : 'false');
      case 'undefined':
        return this.spend('null');
      case 'bigint':
        return this.string(`${value}n`);
      case 'symbol':
        return this.tag(text(value));
      case 'function':
        return this.tag(`function ${nameOf(value)}`);
      case 'object':
        return value === null ? this.spend('null') : this.object(value);
    }
  }

  private object(value: object): string {
    if (types.isProxy(value)) return this.tag('Proxy');
    for (let i = 0; i < this.ancestors.length; i++)
      if (this.ancestors[i] === value) return this.tag('circular');
    const simple = this.simple(value);
    if (simple !== null) return simple;
    const isList = isArray(value);
    const label = isList ? `Array(${lengthOf(value)})` : labelOf(value);
    if (this.ancestors.length >= this.bounds.depth || this.left <= 0)
      return this.tag(label === '' ? 'Object' : label);
    this.ancestors[this.ancestors.length] = value;
    const json = isList ? this.list(value) : this.members(value, label);
    this.ancestors.length -= 1;
    return json;
  }

  /** What is one text although it is an object; null for the others. */
  private simple(value: object): string | null {
    if (types.isDate(value)) {
      const time = apply(timeOf, value, []) as number;
      return time - time === 0 ? this.string(apply(isoOf, value, []) as string) : this.tag('Invalid Date');
    }
    if (types.isRegExp(value))
      return this.string(`/${apply(sourceOf, value, []) as string}/${apply(flagsOf, value, []) as string}`);
    if (types.isTypedArray(value))
      return this.tag(`${labelOf(value)} of ${apply(byteLengthOf, value, []) as number} bytes`);
    if (types.isArrayBuffer(value))
      return this.tag(`ArrayBuffer of ${apply(bufferLength, value, []) as number} bytes`);
    for (let i = 0; i < OPAQUE.length; i++)
      if ((OPAQUE[i] as (value: object) => boolean)(value)) return this.tag(labelOf(value) || 'Object');
    return null;
  }

  private list(value: unknown[]): string {
    const length = lengthOf(value);
    let body = '';
    let shown = 0;
    for (; shown < length && shown < this.bounds.entries && this.left > 0; shown++) {
      const item = descriptorOf(value, shown);
      body += `${shown === 0 ? '' : ','}${item === undefined ? this.spend('null') : this.slot('', item)}`;
    }
    if (shown < length) body += `${shown === 0 ? '' : ','}${this.tag(`${length - shown} more`)}`;
    return `[${body}]`;
  }

  private members(value: object, label: string): string {
    const parts: string[] = [];
    const add = (name: string, json: string): void => {
      this.left -= name.length + 4;
      parts[parts.length] = `${stringify(name)}:${json}`;
    };
    if (types.isMap(value)) add(`<${label}(${apply(mapSize, value, []) as number})>`, this.pairs(value));
    else if (types.isSet(value)) add(`<${label}(${apply(setSize, value, []) as number})>`, this.items(value));
    else if (types.isNativeError(value)) add(`<${label}>`, this.string(messageOf(value)));
    else if (label !== '') add('<class>', this.string(label));
    const keys = keysOf(value);
    let shown = 0;
    for (; shown < keys.length && shown < this.bounds.entries && this.left > 0; shown++) {
      const key = keys[shown] as string;
      const property = descriptorOf(value, key);
      if (property !== undefined) add(cut(key, NAME_CHARS), this.slot(key, property));
    }
    if (shown < keys.length) add('…', this.tag(`${keys.length - shown} more`));
    let body = '';
    for (let i = 0; i < parts.length; i++) body += `${i === 0 ? '' : ','}${parts[i] as string}`;
    return `{${body}}`;
  }

  private slot(name: string, property: PropertyDescriptor): string {
    if (!('value' in property)) return this.tag('getter');
    if (isSensitive(name, property.value)) return this.tag('redacted');
    return this.json(property.value);
  }

  private pairs(map: Map<unknown, unknown>): string {
    const iterator = apply(entriesOf, map, []) as object;
    let body = '';
    for (let shown = 0; ; shown++) {
      const step = apply(nextOfMap, iterator, []) as IteratorResult<[unknown, unknown], undefined>;
      if (step.done) return `[${body}]`;
      const comma = shown === 0 ? '' : ',';
      if (shown >= this.bounds.entries || this.left <= 0) return `[${body}${comma}${this.tag('more')}]`;
      const [key, value] = [step.value[0], step.value[1]];
      const hidden = typeof key === 'string' && isSensitive(key, value);
      body += `${comma}[${this.json(key)},${hidden ? this.tag('redacted') : this.json(value)}]`;
    }
  }

  private items(set: Set<unknown>): string {
    const iterator = apply(valuesOf, set, []) as object;
    let body = '';
    for (let shown = 0; ; shown++) {
      const step = apply(nextOfSet, iterator, []) as IteratorResult<unknown, undefined>;
      if (step.done) return `[${body}]`;
      const comma = shown === 0 ? '' : ',';
      if (shown >= this.bounds.entries || this.left <= 0) return `[${body}${comma}${this.tag('more')}]`;
      body += `${comma}${this.json(step.value)}`;
    }
  }

  private string(value: string): string {
    const room = this.left < this.bounds.chars ? this.left : this.bounds.chars;
    const kept = room > 0 ? room : 0;
    if (value.length <= kept) return this.spend(stringify(value));
    const start = cut(withoutSecrets(cut(value, kept + longestSecret)), kept);
    return this.spend(stringify(`${start}… <${value.length - kept} more characters>`));
  }

  private tag(what: string): string {
    return this.spend(stringify(`<${cut(what, NAME_CHARS)}>`));
  }

  private spend(json: string): string {
    this.left -= json.length + 1;
    return json;
  }
}

const cut = (value: string, length: number): string =>
  value.length <= length ? value : (apply(sliceOf, value, [0, length]) as string);

/** `length` of an array is its own data property. */
const lengthOf = (list: unknown[]): number => descriptorOf(list, 'length')?.value as number;

/** Name of the class of an object; '' for a plain one. */
function labelOf(value: object): string {
  const prototype = prototypeOf(value);
  if (prototype === null || types.isProxy(prototype)) return '';
  // A plain object of any realm: its prototype is the end of the chain.
  if (prototypeOf(prototype) === null) return '';
  const constructor = descriptorOf(prototype, 'constructor')?.value as unknown;
  return typeof constructor === 'function' ? nameOf(constructor) : 'Object';
}

function nameOf(callable: object): string {
  if (types.isProxy(callable)) return 'Proxy';
  const name = descriptorOf(callable, 'name')?.value as unknown;
  return typeof name === 'string' && name !== '' ? name : 'anonymous';
}

function messageOf(error: Error): string {
  const message = descriptorOf(error, 'message')?.value as unknown;
  return typeof message === 'string' ? message : '';
}

function getterOf(target: object, name: PropertyKey): () => unknown {
  // oxlint-disable-next-line typescript/unbound-method -- always applied to a target
  return descriptorOf(target, name)?.get as () => unknown;
}

function methodOf(target: object, name: PropertyKey): () => unknown {
  return descriptorOf(target, name)?.value as () => unknown;
}

/** Own names of an object, without calling a trap; [] where they cannot be read. */
export function namesOf(target: object): string[] {
  if (types.isProxy(target)) return [];
  return ownKeysOf(target).filter((key) => typeof key === 'string');
}
