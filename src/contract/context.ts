import { z } from 'zod';
import { inputFilesSchema } from './fields/artifacts.js';
import { SECRET_LIMIT_CHARS, secretNameSchema } from './tenants/secret.js';
import { networkFieldSchema } from './fields/network-field.js';
import { environment, userObject } from './fields/user-fields.js';
import { BANDS } from './jobs/band.js';
import { isBounded } from './fields/bounded-value.js';
import { VALUE_DEPTH_LIMIT, VALUE_KEYS_LIMIT } from './value-limits.js';

const text = z.string({ error: 'must be a string' });
const BOUNDED = {
  error: `must have at most ${VALUE_DEPTH_LIMIT} levels of objects and arrays, and ${VALUE_KEYS_LIMIT} properties`,
};
const OBJECT = { error: 'must be an object' };
const secrets = z.record(z.string(), z.string({ error: 'must be a string' }), OBJECT);

/** Every form of every secret is looked for in all output: docs/logs.md. */
const SECRETS_LIMIT = 4_096;
export const SECRETS_LIMIT_CHARS = SECRET_LIMIT_CHARS;
export const lengthOf = (secrets: Readonly<Record<string, string>>): number =>
  Object.values(secrets).reduce((sum, { length }) => sum + length, 0);

/** An object that the code is handed as it is. */
const handedOn = userObject.refine(isBounded, BOUNDED).nullish();

const contextFields = z.object({
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
  name: text.nullish().meta({ description: 'What people call it; the code sees it as context.name' }),
  parameters: handedOn,
  files: inputFilesSchema.nullish().meta({
    description: 'Files for the code, by name, as text or {"base64": "…"}: context.files',
  }),
  config: handedOn.meta({ description: 'Settings of the organization, for the code: context.config' }),
  startup: handedOn.meta({ description: 'What a launch workflow returned: context.startup' }),
  event: handedOn.meta({ description: 'What set it off: context.event' }),
  extra: handedOn.meta({
    description: 'Whatever else the code is to know: context.extra; fields that are not known here join it',
  }),
  caller: z
    .looseObject({ user_id: text.nullish(), email: text.nullish(), name: text.nullish() }, OBJECT)
    .refine(isBounded, BOUNDED)
    .nullish(),
  organization: z
    .looseObject({ id: text, name: text.nullish() }, OBJECT)
    .refine(isBounded, BOUNDED)
    .nullish(),
  timeout_seconds: z
    .number({ error: 'must be a number of seconds' })
    .positive({ error: 'must be more than 0' })
    .nullish(),
  sync: z.boolean({ error: 'must be true or false' }).nullish().meta({
    description: 'A caller waits with BLPOP: the result also goes to the list bifrost:result:{execution_id}',
  }),
  env: environment.nullish(),
  secrets: secrets
    .refine((secrets) => Object.keys(secrets).length <= SECRETS_LIMIT, {
      error: `must be at most ${SECRETS_LIMIT}, or they could not be redacted`,
    })
    .refine((secrets) => lengthOf(secrets) <= SECRETS_LIMIT_CHARS, {
      error: `must have at most ${SECRETS_LIMIT_CHARS} characters together, or they could not be redacted`,
    })
    .nullish(),
  secret_names: z
    .array(secretNameSchema, { error: 'must be a list of names' })
    .max(SECRETS_LIMIT, { error: `must be at most ${SECRETS_LIMIT}` })
    .nullish()
    .meta({
      description:
        'Secrets of the organization that the store has (bifrost secrets set): the code has them in context.secrets, beside those of `secrets`',
    }),
  network: networkFieldSchema,
  tags: z.array(text, { error: 'must be a list of strings' }).nullish(),
  again_of: text.nullish().meta({
    description: 'Id of the execution that this is run again of; results and the history repeat it',
  }),
  band: z
    .enum(BANDS, { error: `must be ${BANDS.join(' or ')}` })
    .nullish()
    .meta({ description: 'interactive, the default, comes before background: docs/fair-order.md' }),
  concurrency_key: text
    .min(1, { error: 'must not be empty' })
    .max(256, { error: 'must have at most 256 characters' })
    .nullish()
    .meta({
      description: 'Executions of one organization with the same key share a cap: docs/fair-order.md',
    }),
  concurrency_limit: z
    .number({ error: 'must be a number' })
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' })
    .max(100_000, { error: 'must be at most 100000' })
    .nullish()
    .meta({ description: 'How many of that concurrency_key run at once. Default: 1' }),
  capture_locals: z.boolean({ error: 'must be true or false' }).nullish().meta({
    description:
      'On failure: also show the local variables of the calls that the error went through, in failure.evidence.locals. Makes asynchronous code slower',
  }),
});

type Named = Partial<Record<'workflow_code' | 'file_path' | 'code', unknown>>;

/** Refuses a context that does not say what to run, or says it twice. */
const namesCode = (context: Named, ctx: z.RefinementCtx): void => {
  const { workflow_code: source, file_path: path, code } = context;
  if (source != null && code != null) {
    const message = 'must not be beside workflow_code: both are the source';
    ctx.addIssue({ code: 'custom', path: ['code'], message });
  }
  if (source != null || path != null || code != null) return;
  const message = 'or file_path must be there: nothing names what to run';
  ctx.addIssue({ code: 'custom', path: ['workflow_code'], message });
};

/** What of a context the HTTP API takes: a request has no fields beside the known ones. */
export const requestedContextSchema = contextFields.superRefine(({ workflow_code, file_path }, ctx) =>
  namesCode({ workflow_code, file_path }, ctx),
);

/** `bifrost:exec:{execution_id}:context`: what to run and on whose behalf. Written by the producer. */
export const executionContextSchema = contextFields
  .extend({
    code: z
      .string({ error: 'must be a string' })
      .transform((base64, ctx) => decoded(base64) ?? refuse(ctx, 'must be UTF-8 text in base64'))
      .nullish()
      .meta({ description: 'A script in base64, instead of workflow_code' }),
    timeout_seconds: z
      .number({ error: 'must be a number of seconds' })
      .min(0, { error: 'must be more than 0' })
      .nullish()
      .meta({ description: '0 is refused unless ZERO_TIMEOUT=longest' }),
    execution_id: text.nullish().meta({ description: 'Not read: the job says which execution it is' }),
    engine_token: text.nullish().meta({
      description: 'Credential for the API of the engine; the code has it as context.secrets.engine_token',
    }),
  })
  .superRefine(namesCode);

const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(executionContextSchema.shape));

/**
 * Fields of a stored context that are not known here.
 * @returns null: they are too large or too deep to be handed on
 */
export function unknownFields(context: object): Record<string, unknown> | null {
  const unknown = Object.fromEntries(Object.entries(context).filter(([name]) => !KNOWN_FIELDS.has(name)));
  return isBounded(unknown) ? unknown : null;
}

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

function decoded(base64: string): string | null {
  if (!BASE64.test(base64)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return null;
  }
}

function refuse(ctx: z.RefinementCtx, message: string): never {
  ctx.addIssue({ code: 'custom', message });
  return z.NEVER;
}

export type RequestedContext = z.infer<typeof requestedContextSchema>;
export type ExecutionContext = z.input<typeof executionContextSchema>;
export type ParsedContext = z.output<typeof executionContextSchema>;
