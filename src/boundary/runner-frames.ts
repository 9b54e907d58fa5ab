import { z } from 'zod';
import { SPECIFIER_LIMIT_CHARS } from './module-protocol.js';
import { LIMIT_HITS } from './runner-limits.js';
import type { RunnerFrame } from './runner-protocol.js';

/** Thirty years. */
const DURATION_LIMIT_MS = 1e12;
const LINE_LIMIT = 0x7fff_ffff;

const duration = z.number().nonnegative().max(DURATION_LIMIT_MS);
/** Node takes any. */
const exitCode = z.number().int();
const usage = z.object({ userMs: duration, systemMs: duration, maxRssMb: duration });
const variables = z.record(z.string(), z.unknown());
const limit = z.enum(LIMIT_HITS).nullish();
const shortText = z.string().max(1024);
/** What a runner says of an error is cut by itself to less. */
const message = z.string().max(65_536);
const stack = z.string().max(524_288).nullable();

const codePlace = z.strictObject({
  functionName: shortText,
  url: z.string().max(4096),
  line: z.number().int().min(0).max(LINE_LIMIT),
  column: z.number().int().min(0).max(LINE_LIMIT),
});
const locals = z.array(codePlace.extend({ variables })).max(5).nullish();

/** What a runner may send; anything else is a PROTOCOL_VIOLATION. A runner is never trusted. */
export const runnerFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('alive'), resources: z.array(shortText).max(100) }),
  z.strictObject({ type: z.literal('unheard') }),
  z.strictObject({ type: z.literal('settled'), dirty: z.array(shortText).max(20) }),
  z.strictObject({
    type: z.literal('thread-ended'),
    exitCode,
    outOfMemory: z.boolean(),
    places: z.array(codePlace).max(50).nullable(),
    usage: z.strictObject({ userMs: duration, systemMs: duration }).nullish(),
  }),
  z.strictObject({ type: z.literal('used'), userMs: duration, systemMs: duration }),
  z.strictObject({ type: z.literal('loaded'), loadMs: duration }),
  z.strictObject({
    type: z.literal('output'),
    stream: z.enum(['stdout', 'stderr']),
    level: z.string().max(16),
    text: z.string(),
    ts: z.number().min(0).max(8.64e15),
    message: z.string().optional(),
    fields: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({ type: z.literal('result'), value: z.unknown().optional(), variables, usage }),
  z.strictObject({
    type: z.literal('error'),
    code: z.enum([
      'USER_ERROR',
      'RESULT_NOT_SERIALIZABLE',
      'OUTPUT_LIMIT',
      'MODULE_NOT_FOUND',
      'MODULE_LIMIT',
      'COMPILE_LIMIT',
    ]),
    name: shortText,
    message,
    stack,
    limit,
    final: z.boolean().optional(),
    fields: z
      .array(z.strictObject({ field: shortText, message: shortText }))
      .max(50)
      .optional(),
    locals,
    variables,
    usage,
  }),
  z.strictObject({ type: z.literal('exiting'), exitCode, variables, usage }),
  z.strictObject({
    type: z.literal('uncaught'),
    name: shortText,
    message,
    stack,
    limit,
    final: z.boolean().optional(),
    locals,
  }),
  z.strictObject({
    type: z.literal('module-request'),
    specifier: z.string().max(SPECIFIER_LIMIT_CHARS),
    from: z.string().max(2 * SPECIFIER_LIMIT_CHARS),
    missing: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('progress'),
    fraction: z.number().min(0).max(1),
    message: shortText.nullable(),
  }),
]) satisfies z.ZodType<RunnerFrame>;
