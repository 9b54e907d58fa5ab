import { isDeepStrictEqual } from 'node:util';
import { DOCUMENTS, type DocumentName } from '../contract/schemas/documents.js';

/** The worker does otherwise than the contract says; `message` says what. */
export class Mismatch extends Error {
  override name = 'Mismatch';
}

const SHOWN_CHARS = 300;
const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_CHARS);

/** @throws {Mismatch} unless both are deeply equal */
export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new Mismatch(`${what} is ${shown(found)}, not ${shown(wanted)}`);
}

/** @throws {Mismatch} unless it holds */
export function expectThat(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Mismatch(message);
}

/**
 * Checks a document against its published schema, and that it has each of `fields`: a schema allows optional
 * fields to be missing, a worker of this version does not leave these out.
 * @throws {Mismatch} naming the first field that is wrong
 */
export function expectDocument(name: DocumentName, document: unknown, fields: readonly string[]): void {
  const parsed = DOCUMENTS[name].schema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') || 'the document';
    throw new Mismatch(`${name}: ${path}: ${issue?.message}`);
  }
  expectFields(name, document as object, fields);
}

/** @throws {Mismatch} naming the first field that is missing */
export function expectFields(what: string, object: object, fields: readonly string[]): void {
  const missing = fields.find((field) => !Object.hasOwn(object, field));
  if (missing !== undefined) throw new Mismatch(`${what}: ${missing} is missing`);
}
