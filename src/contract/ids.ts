import { z } from 'zod';

/** Ids become part of Redis keys and log lines: printable, no blanks, bounded; braces would move a key to another slot. */
export const idSchema = z.string({ error: 'must be a string' }).regex(/^[\x21-\x7a\x7c\x7e]{1,200}$/, {
  error: 'must have 1 to 200 printable ASCII characters, no blanks and none of { }',
});
