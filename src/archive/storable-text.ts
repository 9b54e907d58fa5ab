/**
 * Postgres stores neither NUL nor halves of surrogate pairs, in text and in jsonb alike; JavaScript
 * strings, and so the output of user code, may hold both. Such a character is written as U+E000 (of
 * the private use area) and its four hexadecimal digits; so is U+E000 itself, which makes it reversible.
 */
const MARK = '\u{e000}';
const UNSTORABLE = /[\0\u{e000}]|\p{Surrogate}/gu;
const MARKED = /\u{e000}([0-9a-f]{4})/gu;
/** The same in JSON text, where the writer has escaped the first two; other escapes do no harm when they match. */
const UNSTORABLE_JSON = /\\u0000|\\u[dD][89a-fA-F]|\u{e000}/u;

/** The text as Postgres can store it; the same text where nothing is wrong with it. */
export const toStorable = (text: string): string =>
  text.replaceAll(UNSTORABLE, (character) => MARK + character.charCodeAt(0).toString(16).padStart(4, '0'));

/** Undoes {@link toStorable}. */
export const fromStorable = (text: string): string =>
  text.includes(MARK)
    ? text.replaceAll(MARKED, (_marked, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text;

/** Whether a JSON text may hold something that Postgres cannot store. */
export const mayBeUnstorable = (json: string): boolean => UNSTORABLE_JSON.test(json);

/** A JSON value with `change` applied to every text in it, names of fields included. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [change(name), mapTexts(item, change)]),
  );
}

/** Whether a JSON value is nested deeper than `levels`; looks no deeper than that itself. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1));
}
