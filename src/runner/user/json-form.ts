/**
 * The JSON form of values that JSON itself does not know: docs/results.md lists them. What has none is refused
 * with its path; nothing becomes `{}` in silence.
 */
import { types } from 'node:util';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from '../../contract/value-limits.js';
import { apply, hasOwn, keysOf, prototypeOf, tagOf, text } from '../channel/primordials.js';

/** An object of strings that may be empty, but for its prototype, which is Node's own. */
const environment = process.env;

/** Of an iterable no more items are taken. */
export const ITEMS_LIMIT = 10_000;

/** A value has no JSON form; the message names where and why. */
export class NoJsonForm extends Error {
  override name = 'NoJsonForm';
}

/** Its JSON form is longer than it may be. */
export class TooLarge extends Error {
  override name = 'TooLarge';
}

export interface FormOptions {
  limitChars: number;
  /** Takes the place of what has no form. Default: it is refused. */
  describe?: (value: unknown) => string;
}

/**
 * The same value as one that JSON.stringify can write, itself where it is that already.
 * @throws {NoJsonForm} or {@link TooLarge}
 */
export const jsonForm = (value: unknown, options: FormOptions): unknown => new JsonForm(options).whole(value);

type Step = string | number;
type Fields = Record<string, unknown>;

class JsonForm {
  private readonly path: Step[] = [];
  private readonly ancestors: object[] = [];
  private keys = 0;

  constructor(private readonly options: FormOptions) {}

  whole(value: unknown): unknown {
    return isNothing(value) ? this.refuse(value, kindOf(value)) : this.form(value, '');
  }

  private form(value: unknown, key: Step): unknown {
    if (typeof value === 'bigint') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    for (let i = 0; i < this.ancestors.length; i++)
      if (this.ancestors[i] === value) return this.refuse(value, 'it contains itself (a circular structure)');
    if (this.ancestors.length >= VALUE_DEPTH_LIMIT + 1)
      return this.refuse(
        value,
        `it is nested too deeply; the limit is ${VALUE_DEPTH_LIMIT} levels of objects and arrays`,
      );
    this.ancestors[this.ancestors.length] = value;
    const formed = this.object(value, key);
    this.ancestors.length -= 1;
    return formed;
  }

  private object(value: object, key: Step): unknown {
    const toJson = this.read(value, 'toJSON');
    if (typeof toJson === 'function') return this.converted(value, toJson as () => unknown, key);
    if (Array.isArray(value)) return this.list(value);
    if (types.isProxy(value)) return this.record(value);
    if (types.isMap(value)) return this.list([...value]);
    if (types.isSet(value)) return this.list([...value]);
    if (types.isRegExp(value)) return text(value);
    if (types.isTypedArray(value)) return this.list(Array.from<unknown>(value as Uint8Array));
    if (types.isAnyArrayBuffer(value)) return this.list(Array.from(new Uint8Array(value)));
    if (types.isDataView(value))
      return this.list(Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
    if (types.isBoxedPrimitive(value)) return this.form((value as { valueOf(): unknown }).valueOf(), key);
    if (types.isPromise(value)) return this.refuse(value, 'a promise that was not waited for');
    if (isError(value)) return this.record(errorFields(value));
    return this.instance(value);
  }

  private instance(value: object): unknown {
    const tag = tagOf(value);
    if (tag === '[object URLSearchParams]') return text(value);
    if (tag === '[object Headers]') return this.record(headerFields(value as Iterable<[string, string]>));
    if (tag === '[object FormData]') return this.list([...(value as Iterable<unknown>)]);
    const names = keysOf(value);
    if (isPlain(value) || value === environment) return this.record(value, names);
    if (isNodeStream(value))
      return this.refuse(value, 'a stream has no JSON form; read it, by text() of node:stream/consumers');
    if (names.length > 0) return this.record(value, names);
    const iterate = this.read(value, Symbol.iterator);
    if (typeof iterate === 'function') return this.list(this.collect(value as Iterable<unknown>));
    return this.refuse(value, `${article(className(value))} has no JSON form`);
  }

  private converted(value: object, toJson: () => unknown, key: Step): unknown {
    let converted: unknown;
    try {
      converted = apply(toJson, value, [text(key)]);
    } catch (error) {
      return this.refuse(value, error instanceof Error ? error.message : 'its toJSON threw');
    }
    if (isNothing(converted) || (converted === undefined && this.path.length === 0))
      return this.refuse(
        value,
        `its toJSON gives ${converted === undefined ? 'nothing' : kindOf(converted)}: it has no JSON form`,
      );
    if (converted === value) return this.record(value);
    // What it gives is taken as it is: JSON asks a value only once.
    return typeof converted === 'object' && converted !== null && !isPlain(converted)
      ? this.form(converted, key)
      : this.plainForm(converted);
  }

  private plainForm(value: unknown): unknown {
    if (typeof value === 'bigint') return text(value);
    return typeof value === 'object' && value !== null ? this.record(value) : value;
  }

  private list(value: readonly unknown[]): unknown[] {
    // Each item takes two characters at least.
    if (value.length * 2 > this.options.limitChars) throw new TooLarge();
    let copy: unknown[] | null = null;
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item === 'number' || typeof item === 'string') {
        if (copy !== null) copy[i] = item;
        continue;
      }
      this.path[this.path.length] = i;
      const formed = isNothing(item) ? this.refuse(item, kindOf(item)) : this.form(item, i);
      this.path.length -= 1;
      if (copy === null && formed !== item) copy = value.slice(0, i);
      if (copy !== null) copy[i] = formed;
    }
    return copy ?? (value as unknown[]);
  }

  private record(value: object, names: readonly string[] = keysOf(value)): unknown {
    this.keys += names.length;
    if (this.keys > VALUE_KEYS_LIMIT)
      throw new NoJsonForm(`it has more than ${VALUE_KEYS_LIMIT} properties, which is the limit`);
    // Without a prototype `__proto__` is a key as any other.
    const copy = Object.create(null) as Fields;
    let isSame = true;
    let left = 0;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      this.path[this.path.length] = name;
      const item = this.read(value, name);
      if (isNothing(item)) left += 1;
      const formed = isNothing(item) ? undefined : this.form(item, name);
      this.path.length -= 1;
      if (formed !== item) isSame = false;
      copy[name] = formed;
    }
    if (left > 0 && left === names.length)
      return this.refuse(value, 'it has nothing but functions, which have no JSON form');
    return isSame && isPlain(value) && !types.isProxy(value) ? value : copy;
  }

  private collect(value: Iterable<unknown>): unknown[] {
    const items: unknown[] = [];
    try {
      for (const item of value) {
        if (items.length === ITEMS_LIMIT) return this.refuse(value, manyItems) as never;
        items[items.length] = item;
      }
    } catch (error) {
      if (error instanceof NoJsonForm) throw error;
      return this.refuse(value, `reading it failed: ${messageOf(error)}`) as never;
    }
    return items;
  }

  private read(value: object, name: PropertyKey): unknown {
    try {
      return (value as Record<PropertyKey, unknown>)[name];
    } catch (error) {
      return this.refuse(value, `reading ${text(name)} failed: ${messageOf(error)}`);
    }
  }

  private refuse(value: unknown, why: string): unknown {
    if (this.options.describe) return this.options.describe(value);
    const where = shownPath(this.path);
    throw new NoJsonForm(where === '' ? why : `${where}: ${why}`);
  }
}

/** Why an iterable is refused. */
export const manyItems = `it yields more than ${ITEMS_LIMIT} items, which is the limit`;

/** As code names it: `.orders[3].total`. */
const shownPath = (path: readonly Step[]): string =>
  path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    })
    .join('');

/** What JSON leaves out of objects. */
const isNothing = (value: unknown): boolean => typeof value === 'function' || typeof value === 'symbol';

const kindOf = (value: unknown): string => `a ${typeof value} has no JSON form`;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'something was thrown';

const article = (name: string): string => `an instance of ${name || 'an anonymous class'}`;

/** Of any realm: its prototype is the end of the chain, or it has none. */
export function isPlain(value: object): boolean {
  const prototype = prototypeOf(value);
  return prototype === null || prototypeOf(prototype) === null;
}

/** What such an object shows are the workings of Node; what it carries would be lost without a word. */
const isNodeStream = (value: object): boolean =>
  hasOwn(value, '_readableState') || hasOwn(value, '_writableState');

function className(value: object): string {
  try {
    const { constructor } = value;
    return typeof constructor === 'function' ? text(constructor.name) : '';
  } catch {
    return '';
  }
}

const isError = (value: object): value is Error => types.isNativeError(value) || value instanceof Error;

/** What people look for in an error, and what the code has added to it. */
function errorFields(error: Error): Fields {
  const fields: Fields = { name: text(error.name), message: text(error.message), stack: error.stack };
  const { cause, errors, error: inner, suppressed } = error as Error & Fields;
  if (cause !== undefined) fields['cause'] = cause;
  if (Array.isArray(errors)) fields['errors'] = errors;
  if (suppressed !== undefined) Object.assign(fields, { error: inner, suppressed });
  return Object.assign(fields, error);
}

/** `set-cookie` may be there more than once; the others are joined already. */
function headerFields(headers: Iterable<[string, string]>): Fields {
  const fields: Fields = {};
  for (const [name, value] of headers) {
    if (name === 'set-cookie') fields[name] = [...((fields[name] as string[]) ?? []), value];
    else fields[name] = value;
  }
  return fields;
}
