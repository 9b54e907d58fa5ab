import type { z } from 'zod';

const LONGEST_SHOWN = 80;

/** What a setting must be, where its row has no words of its own; undefined: as zod says it. */
export function allowedByIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${anyOf(issue.values.map(String))}`;
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1 ? 'must not be empty' : undefined;
    case 'too_big':
      return issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : undefined;
    default:
      return undefined;
  }
}

const anyOf = (values: readonly string[]): string =>
  values.length === 1 ? String(values[0]) : `${values.slice(0, -1).join(', ')} or ${String(values.at(-1))}`;

/** The same message with the value that it is about, before its reason if it has one. */
export function withValue(message: string, value: string | undefined): string {
  if (value === undefined || !message.startsWith('must ')) return message;
  const shown = JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value);
  const reasonAt = message.indexOf(': ');
  return reasonAt === -1
    ? `${message}, but is ${shown}`
    : `${message.slice(0, reasonAt)}, but is ${shown}${message.slice(reasonAt)}`;
}
