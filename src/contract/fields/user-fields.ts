import { z } from 'zod';

/** Fields that users fill freely. Whatever is in them stays as it is: zod's own objects leave out `__proto__`. */

/** An object with properties, and no list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with any keys. */
export const userObject = z
  .unknown()
  .refine(isObject, { error: 'must be an object' })
  .meta({ type: 'object', additionalProperties: {} }) as unknown as z.ZodType<Record<string, unknown>>;

/** Environment variables: names and values that a process can have. */
export const environment = z
  .unknown()
  .superRefine((value, ctx) => {
    if (!isObject(value)) return ctx.addIssue({ code: 'custom', message: 'must be an object' });
    for (const [name, text] of Object.entries(value)) {
      const message = faultOf(name, text);
      if (message !== null) ctx.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .meta({ type: 'object', additionalProperties: { type: 'string' } }) as unknown as z.ZodType<
  Record<string, string>
>;

function faultOf(name: string, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (name === '') return 'is no name of an environment variable: it is empty';
  if (name.includes('=')) return 'is no name of an environment variable: it holds "="';
  if (name.includes('\0')) return 'is no name of an environment variable: it holds a NUL character';
  return value.includes('\0') ? 'holds a NUL character, which no environment variable can' : null;
}
