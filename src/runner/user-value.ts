import { stringify } from './primordials.js';

/** JSON text of a value of user code, or why there is none. */
export type SerializedValue =
  | { ok: true; json: string }
  | { ok: false; code: 'RESULT_NOT_SERIALIZABLE' | 'OUTPUT_LIMIT'; message: string };

const UNSERIALIZABLE = new Set(['function', 'symbol', 'bigint']);

/** Turns what user code returned into JSON. `undefined` becomes null. Never throws. */
export function serializeValue(value: unknown, limitBytes: number): SerializedValue {
  if (value === undefined) return { ok: true, json: 'null' };
  if (UNSERIALIZABLE.has(typeof value)) return refuse(`a ${typeof value} has no JSON form`);
  // Known before any of it is copied.
  if (typeof value === 'string' && value.length > limitBytes) return tooLarge(limitBytes);
  let json: string | undefined;
  try {
    json = stringify(value);
  } catch (error) {
    if (isTooLong(error)) return tooLarge(limitBytes);
    return refuse(error instanceof Error ? error.message : 'its toJSON threw');
  }
  if (json === undefined) return refuse('it has no JSON form');
  // Characters, not bytes: cheap, and the worker counts bytes again.
  return json.length > limitBytes ? tooLarge(limitBytes) : { ok: true, json };
}

const refuse = (why: string): SerializedValue => ({
  ok: false,
  code: 'RESULT_NOT_SERIALIZABLE',
  message: `The returned value cannot be sent as JSON: ${why}`,
});

const tooLarge = (limitBytes: number): SerializedValue => ({
  ok: false,
  code: 'OUTPUT_LIMIT',
  message: `The returned value is larger than ${limitBytes} bytes as JSON`,
});

const isTooLong = (error: unknown): boolean =>
  error instanceof RangeError && error.message.includes('Invalid string length');
