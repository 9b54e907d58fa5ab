import { z } from 'zod';

/** Ids become part of Redis keys and log lines: printable, no blanks, bounded. */
export const idSchema = z
  .string({ error: 'must be a string' })
  .regex(/^[\x21-\x7e]{1,200}$/, { error: 'must have 1 to 200 printable ASCII characters and no blanks' });
