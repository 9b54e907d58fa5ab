import { shapeOfJson } from '../../lib/json-shape.js';
import { VALUE_DEPTH_LIMIT } from '../../contract/value-limits.js';
import { stringify } from '../channel/primordials.js';
import { jsonForm, NoJsonForm, TooLarge } from './json-form.js';

/** JSON text of a value of user code, or why there is none. */
export type SerializedValue =
  | { ok: true; json: string }
  | { ok: false; code: 'RESULT_NOT_SERIALIZABLE' | 'OUTPUT_LIMIT'; message: string };

/** Turns what user code returned into JSON. `undefined` becomes null. Never throws. */
export function serializeValue(value: unknown, limitBytes: number): SerializedValue {
  if (value === undefined) return { ok: true, json: 'null' };
  // Known before any of it is copied.
  if (typeof value === 'string' && value.length > limitBytes) return tooLarge(limitBytes);
  let json: string | undefined;
  try {
    json = stringify(jsonForm(value, { limitChars: limitBytes }));
  } catch (error) {
    if (error instanceof NoJsonForm) return refuse(error.message.slice(0, MESSAGE_LIMIT));
    if (error instanceof TooLarge || isTooLong(error)) return tooLarge(limitBytes);
    if (isTooDeep(error)) return refuse(tooDeep);
    return refuse(error instanceof Error ? error.message.slice(0, MESSAGE_LIMIT) : 'it cannot be read');
  }
  if (json === undefined) return refuse('it has no JSON form');
  if (isLarger(json, limitBytes)) return tooLarge(limitBytes);
  if (shapeOfJson(json).depth > VALUE_DEPTH_LIMIT) return refuse(tooDeep);
  return { ok: true, json };
}

/** A character is three bytes of UTF-8 at most; bytes are counted only where that decides. */
const isLarger = (json: string, limitBytes: number): boolean =>
  json.length > limitBytes || (json.length * 3 > limitBytes && bytesOf(json) > limitBytes);

const bytesOf = Buffer.byteLength.bind(Buffer);
const MESSAGE_LIMIT = 4_096;
const tooDeep = `it is nested too deeply; the limit is ${VALUE_DEPTH_LIMIT} levels of objects and arrays`;

/** Says why a value cannot be sent. */
export const notSerializable = (why: string): string => `The returned value cannot be sent as JSON: ${why}`;

const refuse = (why: string): SerializedValue => ({
  ok: false,
  code: 'RESULT_NOT_SERIALIZABLE',
  message: notSerializable(why),
});

const tooLarge = (limitBytes: number): SerializedValue => ({
  ok: false,
  code: 'OUTPUT_LIMIT',
  message: `The returned value is larger than ${limitBytes} bytes as JSON`,
});

/** JSON.stringify goes as deep as the stack does; so may a toJSON. */
const isTooDeep = (error: unknown): boolean =>
  error instanceof RangeError && error.message.includes('call stack');

const isTooLong = (error: unknown): boolean =>
  error instanceof RangeError && error.message.includes('Invalid string length');
