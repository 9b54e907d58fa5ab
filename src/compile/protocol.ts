/**
 * What the worker and a compiler process say to each other: one line of JSON each way, one request at a
 * time. The worker writes requests to the process' stdin and reads replies from its stdout.
 */
import { z } from 'zod';
import type { SourcePosition, TextPosition } from '../boundary/text-position.js';
import type { CompiledModule } from './compiled-module.js';

/** Worker -> compiler: compile this source. */
export interface CompileRequest {
  op: 'compile';
  /** Within the workspace; its extension decides the language. */
  path: string;
  source: string;
  /** URL under which the workspace appears, with a slash at its end. */
  rootUrl: string;
  /** It is a script whose top-level variables are shown. */
  probe: boolean;
  /** Compiler options of the workspace, as a tsconfig in JSON; '': none. */
  tsconfig?: string;
  /** Largest compiled source, in UTF-16 units. */
  outputLimitChars: number;
}

/** Worker -> compiler: where in the original source these places of compiled code are. */
export interface LocateRequest {
  op: 'locate';
  /** Compiled code with its inline source map. */
  compiled: string;
  places: readonly TextPosition[];
}

/** Worker -> compiler: where the original source of compiled code names a specifier. */
export interface LocateSpecifierRequest {
  op: 'locate-specifier';
  compiled: string;
  specifier: string;
}

export type CompilerRequest = CompileRequest | LocateRequest | LocateSpecifierRequest;

/** Why a source cannot be compiled, where that is known. */
export interface InvalidSource {
  reason: string;
  location: { file: string; line: number; column: number } | null;
  /** A part of the line, short enough for a message, and what is to be marked in it. */
  line?: { text: string; markFrom: number; markChars: number } | undefined;
}

export type CompilerReply =
  | { type: 'ready' }
  | { type: 'compiled'; module: CompiledModule }
  | ({ type: 'invalid' } & InvalidSource)
  /** The compiled source is larger than was allowed. */
  | { type: 'too-large'; chars: number }
  | { type: 'located'; places: (SourcePosition | null)[] };

const count = z.number().int().nonnegative();
const shortText = z.string().max(4096);
const shownChars = count.max(4096);
const specifiers = z.array(z.string());

/** A compiler has read sources of users, so that what it says is checked like what a runner says. */
export const compilerReplySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({
    type: z.literal('compiled'),
    module: z.strictObject({
      format: z.enum(['module', 'commonjs', 'json']),
      source: z.string(),
      specifiers,
      staticImports: specifiers,
      usesRequire: z.boolean(),
    }),
  }),
  z.strictObject({
    type: z.literal('invalid'),
    reason: shortText,
    location: z.strictObject({ file: z.string(), line: count, column: count }).nullable(),
    line: z.strictObject({ text: shortText, markFrom: shownChars, markChars: shownChars }).optional(),
  }),
  z.strictObject({ type: z.literal('too-large'), chars: count }),
  z.strictObject({
    type: z.literal('located'),
    places: z.array(z.strictObject({ line: count, column: count, source: shortText.optional() }).nullable()),
  }),
]) satisfies z.ZodType<CompilerReply>;

/** The compiler program ended by itself, for example out of memory; its reason is on stderr. */
export const EXIT_PROGRAM_FAILED = 70;
/** The compiler program was killed from outside. */
export const EXIT_PROGRAM_KILLED = 71;

/** Whether this signal ends a program from outside, and not for a fault of its own. */
export const isFromOutside = (signal: NodeJS.Signals): boolean =>
  signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP';
