import { z } from 'zod';

/**
 * Unix milliseconds of a day or time in ISO 8601, NaN for what is none. `Date.parse` alone makes 2 March of
 * 30 February, a mistyped day that no caller meant.
 */
export function millisecondsOf(text: string): number {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)(?:T|$)/.exec(text) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isOfCalendar = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return isOfCalendar ? Date.parse(text) : Number.NaN;
}

const ZONED = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** A field of a body that is one moment, wherever it is read. */
export const zonedMoment = z
  .string({ error: 'must be a time in ISO 8601' })
  .refine((text) => ZONED.test(text), {
    error: 'must be a time in ISO 8601 with its zone, such as 2026-11-30T12:00:00Z',
    abort: true,
  })
  .refine((text) => millisecondsOf(text) >= 0, {
    error: 'names a day or an hour that there is not, or one before 1970',
    abort: true,
  });
