import { executionContextSchema, type ParsedContext, unknownFields } from '../contract/context.js';
import { isObject } from '../contract/fields/user-fields.js';
import { isPlainContext } from './plain-context.js';
import { jsonTrouble } from '../lib/text/json-trouble.js';
import { Refusal } from '../contract/jobs/refusal.js';

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Reads the text of a context, and its fields that are not known here.
 * @throws {Refusal} INVALID_JOB naming the field
 */
export function parseContext(document: string): { context: ParsedContext; extra: Record<string, unknown> } {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch (error) {
    throw new Refusal('INVALID_JOB', `The execution context is not JSON: ${jsonTrouble(error)}`, 'context');
  }
  if (!isObject(value))
    throw new Refusal('INVALID_JOB', 'The execution context must be a JSON object', 'context');
  if (isPlainContext(value)) return { context: value, extra: NOTHING };
  const parsed = executionContextSchema.safeParse(value);
  if (parsed.success) {
    const extra = unknownFields(value);
    if (extra !== null) return { context: parsed.data, extra };
    throw new Refusal(
      'INVALID_JOB',
      'The execution context cannot be used: the fields that are not known here are too deep or too many',
      'context',
    );
  }
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'context'}: ${issue.message}`,
  );
  throw new Refusal(
    'INVALID_JOB',
    `The execution context cannot be used: ${problems.join('; ')}`,
    String(parsed.error.issues[0]?.path[0] ?? 'context'),
  );
}
