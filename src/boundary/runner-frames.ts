import { z } from 'zod';
import { SPECIFIER_LIMIT_CHARS } from './module-protocol.js';
import { LIMIT_HITS } from './runner-limits.js';

/**
 * What a runner may send; the commands that it gets are in runner-protocol.ts. The schema is the one source:
 * the types of frames are taken from it, and the runner, which imports only these types, cannot name a field
 * that is not in it.
 */

/** Thirty years. */
export const DURATION_LIMIT_MS = 1e12;
const LINE_LIMIT = 0x7fff_ffff;

const duration = z.number().nonnegative().max(DURATION_LIMIT_MS);
/** Node takes any. */
const exitCode = z.number().int();
const cpuTime = { userMs: duration, systemMs: duration };
const usage = z.object({ ...cpuTime, maxRssMb: duration });
const variables = z.record(z.string(), z.unknown());
/** What the last word of an execution carries. */
const ending = { variables, usage };
const shortText = z.string().max(1024);

/** A place in generated code, as V8 names it; line and column count from 0. */
const codePlace = z.strictObject({
  functionName: shortText,
  url: z.string().max(4096),
  line: z.number().int().min(0).max(LINE_LIMIT),
  column: z.number().int().min(0).max(LINE_LIMIT),
});
export type CodePlace = z.infer<typeof codePlace>;

/** A call that an error went through, and what its variables held. */
const failedFrame = codePlace.extend({ variables });
export type FailedFrame = z.infer<typeof failedFrame>;

/** What is wrong with one of the parameters: a dotted path, and why. */
const fieldFault = z.strictObject({ field: shortText, message: shortText });
export type FieldFault = z.infer<typeof fieldFault>;

/** What a runner may say an execution failed of. */
const errorCode = z.enum([
  'USER_ERROR',
  'RESULT_NOT_SERIALIZABLE',
  'OUTPUT_LIMIT',
  'MODULE_NOT_FOUND',
  'MODULE_LIMIT',
  'COMPILE_LIMIT',
  'PACKAGE_REFUSED',
  'PACKAGE_INSTALL_FAILED',
]);
export type ErrorCode = z.infer<typeof errorCode>;

/** An error of the user's code. */
const thrown = {
  name: shortText,
  /** What a runner says of an error is cut by itself to less. */
  message: z.string().max(65_536),
  stack: z.string().max(524_288).nullable(),
  /** It comes from this limit of ours. */
  limit: z.enum(LIMIT_HITS).nullish(),
  /** The code says that another attempt cannot help. */
  final: z.boolean().optional(),
  /** Its own fields, its causes, and the errors that it gathers. */
  detail: z.record(z.string(), z.unknown()).nullish(),
  /** Innermost call first; null: not asked for, or not known. */
  locals: z.array(failedFrame).max(5).nullish(),
};

/** What a runner may send; anything else is a PROTOCOL_VIOLATION. A runner is never trusted. */
export const runnerFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  /** Answer to `probe`: the event loop is free; what it waits for, as Node names it. */
  z.strictObject({ type: z.literal('alive'), resources: z.array(shortText).max(100) }),
  /** Answer to `cancel`: the code has never taken `context.signal`, so that nothing in it can react. */
  z.strictObject({ type: z.literal('unheard') }),
  /** The execution is over and was cleaned up after; what it left behind makes the runner unfit for another. */
  z.strictObject({ type: z.literal('settled'), dirty: z.array(shortText).max(20) }),
  /** From a thread host: the thread of this execution is gone. */
  z.strictObject({
    type: z.literal('thread-ended'),
    exitCode,
    outOfMemory: z.boolean(),
    /** Where it was when it was signalled to end, innermost call first; null: not known. */
    places: z.array(codePlace).max(50).nullable(),
    /** CPU time of the thread; null: not known. */
    usage: z.strictObject(cpuTime).nullish(),
  }),
  /** From a thread host: CPU time that the execution has used so far. */
  z.strictObject({ type: z.literal('used'), ...cpuTime }),
  /** The entry is loaded and the user's function is about to be called. */
  z.strictObject({ type: z.literal('loaded'), loadMs: duration }),
  /** Something was printed: through console (with its level) or by a direct write to the stream. */
  z.strictObject({
    type: z.literal('output'),
    stream: z.enum(['stdout', 'stderr']),
    level: z.string().max(16),
    text: z.string(),
    /** Milliseconds since the epoch. */
    ts: z.number().min(0).max(8.64e15),
    /** Through context.logger with fields: the message alone, and the fields. */
    message: z.string().optional(),
    fields: z.record(z.string(), z.unknown()).optional(),
  }),
  /** The code ended and this is what it returned: a JSON value, absent where nothing was returned. */
  z.strictObject({
    type: z.literal('result'),
    value: z.unknown().optional(),
    ...ending,
    /** What `loaded` would have said, where that was not sent. */
    loadMs: duration.optional(),
    /** As `settled` with nothing that was left behind. */
    settled: z.literal(true).optional(),
  }),
  /** The code threw, or its value cannot be sent. */
  z.strictObject({
    type: z.literal('error'),
    code: errorCode,
    ...thrown,
    /** Which parameters are wrong, where they are. */
    fields: z.array(fieldFault).max(50).optional(),
    ...ending,
  }),
  /** The process is about to exit without a result: process.exit, or an uncaught error reported before by `uncaught`. */
  z.strictObject({
    type: z.literal('exiting'),
    exitCode,
    /** Its event loop is empty, and a promise that it waits for has not settled. */
    unsettled: z.boolean().optional(),
    ...ending,
  }),
  /** An error that was not caught, seen before Node reports it. User code may still handle it. */
  z.strictObject({ type: z.literal('uncaught'), code: errorCode.optional(), ...thrown }),
  /**
   * The code imports what was not shipped. The runner waits for the reply, one line of JSON
   * (ModuleReply) on the descriptor that carries the frames.
   */
  z.strictObject({
    type: z.literal('module-request'),
    specifier: z.string().max(SPECIFIER_LIMIT_CHARS),
    from: z.string().max(2 * SPECIFIER_LIMIT_CHARS),
    missing: z.boolean(),
  }),
  /** How far the code says that it is, from 0 to 1. */
  z.strictObject({
    type: z.literal('progress'),
    fraction: z.number().min(0).max(1),
    message: shortText.nullable(),
  }),
]);

/** Anything that a runner says, as it was checked. */
export type RunnerFrame = z.infer<typeof runnerFrameSchema>;
export type FrameType = RunnerFrame['type'];

/** The frame of one type. */
export type FrameOf<T extends FrameType> = Extract<RunnerFrame, { type: T }>;

export type ResultFrame = FrameOf<'result'>;
export type ErrorFrame = FrameOf<'error'>;
export type ExitingFrame = FrameOf<'exiting'>;
export type UncaughtFrame = FrameOf<'uncaught'>;
export type ProgressFrame = FrameOf<'progress'>;

/** The fields of a frame as a runner writes them: each as JSON text. */
export type FrameFields<T extends FrameType> = {
  readonly [Field in keyof Omit<FrameOf<T>, 'type'>]: string;
};
