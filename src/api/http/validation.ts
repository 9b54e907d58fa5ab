import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import type { FieldError } from './problem.js';
import { invalid } from '../executions/requests.js';
import { messageOf } from './unknown-fields.js';

/** An array of a million wrong items has a million issues; report the first ones only. */
const MAX_ERRORS = 50;

type Path = readonly (PropertyKey | { readonly key: PropertyKey })[];
interface Issue {
  readonly message: string;
  readonly path?: Path | undefined;
  /** What zod calls the kind of it; `custom`: a check of ours, which says by itself what is missing. */
  readonly code?: string | undefined;
}

/** What types are called. */
const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
};
/** What is said where a schema has no words of its own. */
const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') return `must be ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code !== 'unrecognized_keys') return undefined;
  const known = Object.keys((issue.inst as z.ZodObject).shape);
  return issue.keys.map((key) => `${key} ${messageOf(key, known)}`).join('; ');
};

/** What a schema makes of something that was sent, or everything that is wrong with that. */
export function read<T>(
  schema: z.ZodType<T>,
  given: unknown,
): { data: T; errors?: never } | { data?: never; errors: FieldError[] } {
  const { success, data, error } = schema.safeParse(given, { error: plainWords });
  return success ? { data } : { errors: fieldErrors(error.issues, given) };
}

/**
 * One entry per field that a schema found wrong; what else is wrong with the same field joins its message.
 * @param given what was sent, to know what is missing
 */
export function fieldErrors(issues: readonly Issue[], given?: unknown): FieldError[] {
  const messages = new Map<string, Set<string>>();
  for (const issue of issues) {
    const { path = [] } = issue;
    const field = path.map((part) => String(keyOf(part))).join('.') || 'body';
    const known = messages.get(field);
    const text = path.length === 0 ? 'must be a JSON object' : textOf(issue, path, given);
    if (known) known.add(text);
    else if (messages.size < MAX_ERRORS) messages.set(field, new Set([text]));
  }
  return [...messages].map(([field, texts]) => ({ field, message: [...texts].join('; ') }));
}

const textOf = ({ code = 'custom', message }: Issue, path: Path, given: unknown): string =>
  code !== 'custom' && valueAt(path, given) === undefined ? `is missing; ${message}` : message;

const valueAt = (path: Path, given: unknown): unknown =>
  path.reduce(
    (value, part) => (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[keyOf(part)],
    given,
  );

const keyOf = (part: Path[number]): PropertyKey => (typeof part === 'object' ? part.key : part);

/**
 * Validates everything a controller takes by the zod schema it names, with problem details as the answer. Unlike the
 * pipe of Nest it takes nothing out of a body before: parameters may have any names.
 */
export class ValidationPipe implements PipeTransform {
  /** @throws {ProblemException} 400 naming every field that is wrong. */
  transform(given: unknown, { schema }: ArgumentMetadata): unknown {
    if (schema === undefined) return given;
    const { data, errors } = read(schema as unknown as z.ZodType, given);
    if (errors) throw invalid(errors);
    return data;
  }
}
