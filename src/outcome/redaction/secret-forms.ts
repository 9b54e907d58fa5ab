import { inspect } from 'node:util';
import { NEEDLE_MAX_CHARS } from './needle-automaton.js';

/** Shorter values are not looked for: they are in every other text by chance. */
export const SECRET_MIN_CHARS = 4;
/** Longer forms are looked for piece by piece: little is held back of a text, and a part of a long secret is found too. */
const LONGEST_FORM = NEEDLE_MAX_CHARS;
const PIECE = 128;
/** Lines of a secret of several lines, such as a key file, count by themselves from this length on. */
const LINE_MIN_CHARS = 12;
/** What needs no escape anywhere: most tokens. */
const PLAIN = /^[\w.-]+$/;

/**
 * Every text in which a secret may show: as it is, escaped as in JSON and in Node's inspection, as part of
 * a URL, in hexadecimal and in base64. All are needed because code logs requests, URLs and headers.
 * One list for the secret, and one for each of its lines that counts by itself.
 */
export function* formsOf(secret: string): Generator<string[]> {
  for (const value of valuesOf(secret)) {
    const shown = PLAIN.test(value) ? [value] : [value, ...escaped(value), ...inUrls(value)];
    const forms = new Set([...shown, ...bytesOf(value).flatMap(encoded)]);
    yield [...forms].filter((form) => form.length >= SECRET_MIN_CHARS).flatMap(pieces);
  }
}

/** Code cuts off line ends and reads key files line by line. */
function valuesOf(secret: string): Set<string> {
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim());
  const ownLines = lines.length > 1 ? lines.filter((line) => line.length >= LINE_MIN_CHARS) : [];
  const values = [secret, secret.trim(), ...ownLines];
  return new Set(values.filter((value) => value.length >= SECRET_MIN_CHARS));
}

function escaped(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const ascii = json.replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${hexOf(char.charCodeAt(0), 4)}`);
  return [json, ascii, json.replaceAll('/', '\\/'), JSON.stringify(json).slice(1, -1), ...inspected(value)];
}

/** Node escapes single quotes only in a text that holds the other kinds too. */
function inspected(value: string): string[] {
  const quoted = inspect(`${value}'"\``, { maxStringLength: null });
  const text = quoted.slice(1, -`\\'"\`'`.length);
  return [text, text.replaceAll("\\'", "'")];
}

function inUrls(value: string): string[] {
  // A lone surrogate has no form in a URL.
  if (!value.isWellFormed()) return [];
  const url = new URL('http://h');
  url.password = value;
  url.pathname = value;
  url.search = value;
  url.hash = value;
  const component = encodeURIComponent(value);
  const forms = [
    component,
    component.replaceAll(/[!'()*]/g, (char) => `%${hexOf(char.charCodeAt(0), 2).toUpperCase()}`),
    encodeURI(value),
    new URLSearchParams({ k: value }).toString().slice(2),
    url.password,
    url.pathname.slice(1),
    url.search.slice(1),
    url.hash.slice(1),
    byEscape(value),
  ];
  return forms.flatMap((form) => [
    form,
    form.replaceAll(/%(u[0-9A-F]{4}|[0-9A-F]{2})/g, (code) => code.toLowerCase()),
  ]);
}

/** As the function `escape` of the language's beginnings, which old code still makes cookies and queries with. */
const byEscape = (value: string): string =>
  value.replaceAll(/[^\w@*+\-./]/g, (char) => {
    const code = char.charCodeAt(0);
    return code > 0xff ? `%u${hexOf(code, 4).toUpperCase()}` : `%${hexOf(code, 2).toUpperCase()}`;
  });

function bytesOf(value: string): Buffer[] {
  const utf8 = Buffer.from(value);
  // btoa takes one byte for a character.
  const latin1 = /^[\0-\xff]*$/.test(value) ? Buffer.from(value, 'latin1') : utf8;
  return latin1.equals(utf8) ? [utf8] : [utf8, latin1];
}

function encoded(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  const base64 = [bytes.toString('base64'), ...inBase64(bytes)];
  return [
    hex,
    hex.toUpperCase(),
    hex.replaceAll(/..(?!$)/g, '$& '),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

/** The characters that the bytes alone decide, wherever they begin in a longer text of base64. */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

function pieces(form: string): string[] {
  if (form.length <= LONGEST_FORM) return [form];
  const starts = Array.from({ length: Math.floor(form.length / PIECE) }, (_, index) => index * PIECE);
  return [...starts, form.length - PIECE].map((start) => form.slice(start, start + PIECE));
}

const hexOf = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
