import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { FieldError } from './problem.js';
import { invalid } from '../executions/requests.js';

/** An array of a million wrong items has a million issues; report the first ones only. */
const MAX_ERRORS = 50;

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** One entry per field that a schema found wrong; what else is wrong with the same field joins its message. */
export function fieldErrors(issues: readonly Issue[]): FieldError[] {
  const messages = new Map<string, Set<string>>();
  for (const { message, path = [] } of issues) {
    const field = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.') || 'body';
    const known = messages.get(field);
    const text = path.length === 0 ? 'must be a JSON object' : message;
    if (known) known.add(text);
    else if (messages.size < MAX_ERRORS) messages.set(field, new Set([text]));
  }
  return [...messages].map(([field, texts]) => ({ field, message: [...texts].join('; ') }));
}

/** Takes nothing out of a body before its schema sees it: parameters may have any names. */
class WholeBodyPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

/** Validates everything a controller takes by the schema it names, with problem details as the answer. */
export const validationPipe = (): StandardSchemaValidationPipe =>
  new WholeBodyPipe({ exceptionFactory: (issues) => invalid(fieldErrors(issues)) });
