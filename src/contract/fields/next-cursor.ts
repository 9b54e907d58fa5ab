import { z } from 'zod';

/** `next_cursor` of a page of a list. */
export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'For `cursor` of the next page; null on the last one' });
