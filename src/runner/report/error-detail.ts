import { types } from 'node:util';
import { descriptorOf, keysOf, stringify } from '../channel/primordials.js';
import { Snapshot, type SnapshotBounds } from './snapshot.js';
import { userFramesOf } from './user-frames.js';

const BOUNDS: SnapshotBounds = { depth: 4, entries: 50, chars: 2_000, total: 16_384 };
const MAX_DEPTH = 5;
const MAX_ERRORS = 10;
const STACK_CHARS = 4_000;

/**
 * JSON text of what an error holds beside name, message and stack: the fields that the code gave it, its cause,
 * and the errors that it gathers, bounded. `null` where it holds nothing. Calls no getter of the user's.
 */
export function errorDetail(thrown: unknown): string {
  const detail = new Detail();
  if (!isObject(thrown)) return 'null';
  const parts = detail.partsOf(thrown, 0);
  return parts.length === 0 ? 'null' : `{${parts.join(',')}}`;
}

class Detail {
  private readonly snapshot = new Snapshot(BOUNDS);

  partsOf(error: object, depth: number): string[] {
    const fields = this.fieldsOf(error);
    const parts = fields === '' ? [] : [`"fields":{${fields}}`];
    if (depth >= MAX_DEPTH) return parts;
    const cause = ownValue(error, 'cause');
    if (cause !== undefined) parts.push(`"cause":${this.inner(cause, depth)}`);
    const inner = [ownValue(error, 'errors'), ownValue(error, 'error'), ownValue(error, 'suppressed')];
    const errors = Array.isArray(inner[0]) ? inner[0] : inner.slice(1).filter((value) => value !== undefined);
    if (isGathering(error) && errors.length > 0)
      parts.push(
        `"errors":[${errors
          .slice(0, MAX_ERRORS)
          .map((item) => this.inner(item, depth))
          .join(',')}]`,
      );
    return parts;
  }

  private inner(value: unknown, depth: number): string {
    if (!isObject(value) || !types.isNativeError(value)) return this.snapshot.take('', value);
    const { stack } = value;
    const shown = typeof stack === 'string' ? userFramesOf(stack).slice(0, STACK_CHARS) : '';
    const own = [
      `"name":${this.snapshot.take('', nameOf(value))}`,
      `"message":${this.snapshot.take('', ownValue(value, 'message') ?? '')}`,
      ...(shown === '' || this.snapshot.isFull ? [] : [`"stack":${stringify(shown)}`]),
    ];
    return `{${[...own, ...this.partsOf(value, depth + 1)].join(',')}}`;
  }

  /** What the code has assigned; cause and errors are shown beside it. */
  private fieldsOf(error: object): string {
    if (types.isProxy(error) || !types.isNativeError(error)) return '';
    const names = keysOf(error).filter((name) => !SHOWN_ELSEWHERE.has(name));
    return names
      .slice(0, BOUNDS.entries)
      .flatMap((name) => {
        const property = descriptorOf(error, name);
        if (property === undefined || !('value' in property) || this.snapshot.isFull) return [];
        return [`${stringify(name.slice(0, 100))}:${this.snapshot.take(name, property.value)}`];
      })
      .join(',');
  }
}

const SHOWN_ELSEWHERE = new Set(['cause', 'errors', 'stack', 'message', 'name']);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !types.isProxy(value);

/** AggregateError and SuppressedError; others have fields of these names for other things. */
const isGathering = (error: object): boolean =>
  ownValue(error, 'errors') !== undefined || ownValue(error, 'suppressed') !== undefined;

const ownValue = (target: object, name: string): unknown => descriptorOf(target, name)?.value as unknown;

function nameOf(error: object): string {
  const own = ownValue(error, 'name');
  if (typeof own === 'string') return own;
  let prototype: unknown = Object.getPrototypeOf(error);
  while (isObject(prototype)) {
    const constructor = ownValue(prototype, 'constructor');
    if (typeof constructor === 'function' && constructor.name !== '') return constructor.name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}
