import { z } from 'zod';

/**
 * Ids become part of Redis keys and log lines: visible characters of any script, no blanks, bounded;
 * braces would move a key to another slot.
 */
const ID = /^[^\p{C}\p{Z}{}]{1,200}$/u;
export const idSchema = z.string({ error: 'must be a string' }).regex(ID, {
  error: 'must have 1 to 200 visible characters, no blanks and none of { }',
});

/** Whether {@link idSchema} takes it. */
export const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);
