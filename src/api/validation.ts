import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { FieldError } from './problem.js';
import { invalid } from './requests.js';

/** An array of a million wrong items has a million issues; nobody reads so many. */
const MAX_ERRORS = 50;

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** One entry per field that a schema found wrong. */
export function fieldErrors(issues: readonly Issue[]): FieldError[] {
  return issues.slice(0, MAX_ERRORS).map(({ message, path = [] }) => ({
    field: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.') || 'body',
    message: path.length === 0 ? 'must be a JSON object' : message,
  }));
}

/** Validates everything a controller takes by the schema it names, with problem details as the answer. */
export const validationPipe = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({ exceptionFactory: (issues) => invalid(fieldErrors(issues)) });
