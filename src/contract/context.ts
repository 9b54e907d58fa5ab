import { z } from 'zod';
import { shapeOfValue } from '../lib/json-shape.js';
import { networkFieldSchema } from './network-field.js';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from './value-limits.js';

const text = z.string({ error: 'must be a string' });
const VALUE_LIMITS = { depth: VALUE_DEPTH_LIMIT, keys: VALUE_KEYS_LIMIT };
/** Of whatever the code is handed as it is. */
const isBounded = (value: unknown): boolean => {
  const { depth, keys } = shapeOfValue(value, VALUE_LIMITS);
  return depth <= VALUE_DEPTH_LIMIT && keys <= VALUE_KEYS_LIMIT;
};
const BOUNDED = {
  error: `must have at most ${VALUE_DEPTH_LIMIT} levels of objects and arrays, and ${VALUE_KEYS_LIMIT} properties`,
};
const variables = z.record(z.string(), z.string({ error: 'must be a string' }));

/** Every form of every secret is looked for in all output: docs/logs.md. */
const SECRETS_LIMIT = 4_096;
const SECRETS_LIMIT_CHARS = 65_536;
const lengthOf = (secrets: Readonly<Record<string, string>>): number =>
  Object.values(secrets).reduce((sum, { length }) => sum + length, 0);

/** `bifrost:exec:{execution_id}:context`: what to run and on whose behalf. Written by the producer. */
export const executionContextSchema = z
  .object({
    workflow_id: text.nullish(),
    workflow_code: text
      .nullish()
      .meta({ description: 'Inline JavaScript or TypeScript; with file_path it runs under that name' }),
    file_path: text.nullish().meta({
      description: 'Workspace module, such as workflows/greet.ts; beside workflow_code the name of that code',
    }),
    workspace_generation: z
      .number()
      .int({ error: 'must be a whole number' })
      .positive({ error: 'must be more than 0' })
      .nullish()
      .meta({
        description: 'Workspace generation to run against. Default: the one that is current at the start',
      }),
    function_name: text
      .regex(/^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u, {
        error: 'must be a JavaScript identifier',
      })
      .nullish()
      .meta({ description: 'Export to call. Inline code without one runs as a script' }),
    parameters: z
      .record(z.string(), z.unknown(), { error: 'must be an object' })
      .refine(isBounded, BOUNDED)
      .nullish(),
    caller: z
      .looseObject({ user_id: text.nullish(), email: text.nullish(), name: text.nullish() })
      .refine(isBounded, BOUNDED)
      .nullish(),
    organization: z.looseObject({ id: text, name: text.nullish() }).refine(isBounded, BOUNDED).nullish(),
    timeout_seconds: z
      .number({ error: 'must be a number of seconds' })
      .positive({ error: 'must be more than 0' })
      .nullish(),
    env: variables.nullish(),
    secrets: variables
      .refine((secrets) => Object.keys(secrets).length <= SECRETS_LIMIT, {
        error: `must be at most ${SECRETS_LIMIT}, or they could not be redacted`,
      })
      .refine((secrets) => lengthOf(secrets) <= SECRETS_LIMIT_CHARS, {
        error: `must have at most ${SECRETS_LIMIT_CHARS} characters together, or they could not be redacted`,
      })
      .nullish(),
    network: networkFieldSchema,
    tags: z.array(text).nullish(),
    capture_locals: z.boolean({ error: 'must be true or false' }).nullish().meta({
      description:
        'On failure: also show the local variables of the calls that the error went through, in failure.evidence.locals. Makes asynchronous code slower',
    }),
  })
  .superRefine((context, ctx) => {
    if (context.workflow_code != null || context.file_path != null) return;
    const message = 'or file_path must be there: nothing names what to run';
    ctx.addIssue({ code: 'custom', path: ['workflow_code'], message });
  });

export type ExecutionContext = z.infer<typeof executionContextSchema>;
