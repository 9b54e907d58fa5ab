/**
 * A picture of a value of user code as JSON text, for people to look at, in the form that results have
 * (docs/results.md). It calls no code of the user's: no getter, no toJSON, no trap of a proxy. What has no form
 * is described in angle brackets.
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
import {
  addressOf,
  entriesOf,
  inheritedData,
  isBuffer,
  isoOf,
  lengthOfTyped,
  mapSize,
  nextEntry,
  nextValue,
  numbersOf,
  patternOf,
  setSize,
  timeOf,
  unboxed,
  valuesOf,
} from './intrinsic-reads.js';
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
/** What an error has beside what the code has added to it. */
const ERROR_PARTS = ['name', 'message', 'cause', 'errors', 'error', 'suppressed'];
/** Objects whose content is no variable of the user's; their tag says enough. */
const OPAQUE = [
  types.isPromise, types.isWeakMap, types.isWeakSet, types.isGeneratorObject, types.isExternal,
  types.isMapIterator, types.isSetIterator, types.isModuleNamespaceObject,
]; // prettier-ignore

// oxlint-disable-next-line typescript/unbound-method -- always applied to a text
const { slice, replaceAll } = String.prototype;
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
    clean = apply(replaceAll, clean, [secrets[i], '<redacted>']) as string;
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
        return this.string(`${value}`);
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
    const label = isArray(value) ? `Array(${lengthOf(value)})` : labelOf(value);
    if (this.ancestors.length >= this.bounds.depth || this.left <= 0)
      return this.tag(label === '' ? 'Object' : label);
    this.ancestors[this.ancestors.length] = value;
    const json = this.content(value, label);
    this.ancestors.length -= 1;
    return json;
  }

  /** What is one text or number although it is an object; null for the others. */
  private simple(value: object): string | null {
    if (types.isDate(value)) {
      const time = timeOf(value);
      return time - time === 0 ? this.string(isoOf(value)) : this.tag('Invalid Date');
    }
    if (types.isRegExp(value)) return this.string(patternOf(value));
    const address = addressOf(value);
    if (address !== null) return this.string(address);
    const inner = unboxed(value);
    if (inner !== value) return this.json(inner);
    for (let i = 0; i < OPAQUE.length; i++)
      if ((OPAQUE[i] as (value: object) => boolean)(value)) return this.tag(labelOf(value) || 'Object');
    return null;
  }

  private content(value: object, label: string): string {
    if (isArray(value)) return this.list(lengthOf(value), (at) => this.item(descriptorOf(value, at)));
    if (types.isMap(value)) return this.pairs(value);
    if (types.isSet(value)) return this.items(value);
    const numbers = numbersOf(value);
    if (numbers === null) return this.members(value, label);
    const list = this.list(lengthOfTyped(numbers), (at) => this.item(descriptorOf(numbers, at)));
    return isBuffer(value) ? `{"type":"Buffer","data":${list}}` : list;
  }

  private item(property: PropertyDescriptor | undefined): string {
    return property === undefined ? this.spend('null') : this.slot('', property);
  }

  private list(length: number, item: (at: number) => string): string {
    let body = '';
    let shown = 0;
    for (; shown < length && shown < this.bounds.entries && this.left > 0; shown++)
      body += `${shown === 0 ? '' : ','}${item(shown)}`;
    if (shown < length) body += `${shown === 0 ? '' : ','}${this.tag(`${length - shown} more`)}`;
    return `[${body}]`;
  }

  private members(value: object, label: string): string {
    const parts: string[] = [];
    const add = (name: string, json: string): void => {
      this.left -= name.length + 4;
      parts[parts.length] = `${stringify(name)}:${json}`;
    };
    const isError = types.isNativeError(value);
    if (isError) this.errorParts(value, add);
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

  /** Not its stack, which is made when it is read, by code of the user's where there is some for it. */
  private errorParts(error: Error, add: (name: string, json: string) => void): void {
    for (let i = 0; i < ERROR_PARTS.length; i++) {
      const name = ERROR_PARTS[i] as string;
      const part = inheritedData(error, name);
      const isOwnKey = descriptorOf(error, name)?.enumerable === true;
      if (part !== undefined && !isOwnKey) add(name, this.json(part));
    }
  }

  private slot(name: string, property: PropertyDescriptor): string {
    if (!('value' in property)) return this.tag('getter');
    if (isSensitive(name, property.value)) return this.tag('redacted');
    return this.json(property.value);
  }

  private pairs(map: Map<unknown, unknown>): string {
    const iterator = entriesOf(map);
    return this.list(mapSize(map), () => {
      const [key, value] = nextEntry(iterator).value as [unknown, unknown];
      const hidden = typeof key === 'string' && isSensitive(key, value);
      return `[${this.json(key)},${hidden ? this.tag('redacted') : this.json(value)}]`;
    });
  }

  private items(set: Set<unknown>): string {
    const iterator = valuesOf(set);
    return this.list(setSize(set), () => this.json(nextValue(iterator).value));
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
  value.length <= length ? value : apply(slice, value, [0, length]);

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

/** Own names of an object, without calling a trap; [] where they cannot be read. */
export function namesOf(target: object): string[] {
  if (types.isProxy(target)) return [];
  return ownKeysOf(target).filter((key) => typeof key === 'string');
}
