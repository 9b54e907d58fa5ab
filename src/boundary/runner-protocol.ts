/**
 * What worker and runner say to each other. Pure types and constants: the runner imports this file
 * and must stay tiny. The worker's schema of what a runner may send is in runner-frames.ts.
 *
 * A runner process hosts one slot (kind `process`) or several threads (kind `thread`); each frame names its
 * execution by the nonce, each command after `execute` by `ref`.
 *
 * Two descriptors carry it. The runner writes frames to CHANNEL_FD with blocking writes, so that
 * nothing is lost when user code ends the process; the worker writes commands to COMMAND_FD.
 * Frame: `<nonce> <JSON>\n`. The nonce belongs to one execution and is in the closure of the
 * runner only: what user code writes to the descriptor lacks it, which ends that execution.
 */

import type { NetworkPolicy } from '../contract/confinement.js';
import type { ModuleReply } from './module-protocol.js';
import type { ShippedModule } from './shipped-module.js';
import type { LimitHit } from './runner-limits.js';

export const CHANNEL_FD = 3;
export const COMMAND_FD = 4;

/** Nonce of frames that are sent before an execution has brought its own. */
export const BOOT_NONCE = 'boot';

/** Longest text of one `output` frame, in characters; the runner splits what is longer. */
export const OUTPUT_CHUNK_CHARS = 32_768;

/** Worker -> runner: run this. Sent once per execution. */
export interface ExecuteCommand {
  type: 'execute';
  /** Secret; no other command carries it, since user code may read them. */
  nonce: string;
  /** Names the execution in later commands. No secret. */
  ref: string;
  entry: string;
  modules: ShippedModule[];
  /** null: run the entry as a script and end when its event loop is empty. */
  functionName: string | null;
  /** URL of the folder in which workspace modules appear to lie, with a slash at its end. */
  rootUrl: string;
  /** Folder that holds the `node_modules` of the package set; null: no packages. */
  packagesDir: string | null;
  parameters: Record<string, unknown>;
  env: Record<string, string>;
  scratch: string;
  /** Nobody else can: the runner empties its scratch folder before it says `settled`. */
  clearsScratch: boolean;
  /** What `process.pid` shows: in a namespace the runner itself cannot know it. */
  pid: number;
  /** For the first execution of a runner; what it takes away never comes back. */
  network: NetworkPolicy;
  resultLimitBytes: number;
  /** The runner is to serve another execution: it says `settled` after this one instead of being killed. */
  keep: boolean;
  /** Of an error that ends the execution: the local variables of the calls that it went through. */
  captureLocals: boolean;
  context: ContextData;
}

/** The part of the user's `context` argument that is plain data. */
export interface ContextData {
  executionId: string;
  attempt: number;
  run: number;
  schedule: { id: string; dueAt: string } | null;
  children: Readonly<Record<string, unknown>>;
  childFailures: Readonly<Record<string, string>>;
  workflowId: string | null;
  caller: Record<string, unknown> | null;
  organization: Record<string, unknown> | null;
  secrets: Record<string, string>;
  /** W3C place in the trace that the code may go on with; null: nobody traces. */
  traceparent: string | null;
  /** ISO 8601 time at which the execution is killed. */
  deadline: string;
}

/** Worker -> runner: `context.signal` aborts with this reason. */
export interface CancelCommand {
  type: 'cancel';
  ref: string;
  reason: string;
}

/** Worker -> runner: say `alive`, which it can only when its event loop is free. */
export interface ProbeCommand {
  type: 'probe';
  ref: string;
}

/** Worker -> thread host: end the thread and say `thread-ended`; with `trace`, say where it was. */
export interface TerminateCommand {
  type: 'terminate';
  ref: string;
  trace: boolean;
}

/** Worker -> thread host: the answer to a `module-request` of this thread. */
export interface ModuleReplyCommand {
  type: 'module-reply';
  ref: string;
  reply: ModuleReply;
}

/** Worker -> thread host: keep the frames of this thread back, or pass them on again. What waits makes the thread wait. */
export interface HoldCommand {
  type: 'hold';
  ref: string;
  held: boolean;
}

export type RunnerCommand =
  ExecuteCommand | CancelCommand | ProbeCommand | TerminateCommand | ModuleReplyCommand | HoldCommand;

export interface ReadyFrame {
  type: 'ready';
}

/** Answer to `probe`: the event loop is free; what it waits for, as Node names it. */
export interface AliveFrame {
  type: 'alive';
  resources: string[];
}

/** Answer to `cancel`: the code has never taken `context.signal`, so that nothing in it can react. */
export interface UnheardFrame {
  type: 'unheard';
}

/** The execution is over and was cleaned up after; what it left behind makes the runner unfit for another. */
export interface SettledFrame {
  type: 'settled';
  dirty: string[];
}

/** A place in generated code, as V8 names it; line and column count from 0. */
export interface CodePlace {
  functionName: string;
  url: string;
  line: number;
  column: number;
}

/** From a thread host: the thread of this execution is gone. */
export interface ThreadEndedFrame {
  type: 'thread-ended';
  exitCode: number;
  outOfMemory: boolean;
  /** Where it was when it was told to end, innermost call first; null: not known. */
  places: CodePlace[] | null;
  /** CPU time of the thread; null: not known. */
  usage?: { userMs: number; systemMs: number } | null;
}

/** From a thread host: CPU time that the execution has used so far. */
export interface UsedFrame {
  type: 'used';
  userMs: number;
  systemMs: number;
}

/** The entry is loaded and the user's function is about to be called. */
export interface LoadedFrame {
  type: 'loaded';
  loadMs: number;
}

/** Something was printed: through console (with its level) or by a direct write to the stream. */
export interface OutputFrame {
  type: 'output';
  stream: 'stdout' | 'stderr';
  level: string;
  text: string;
  /** Milliseconds since the epoch. */
  ts: number;
  /** Through context.logger with fields: the message alone, and the fields. */
  message?: string | undefined;
  fields?: Record<string, unknown> | undefined;
}

/** The code ended and this is what it returned. */
export interface ResultFrame {
  type: 'result';
  /** JSON value; absent where nothing was returned. */
  value?: unknown;
  variables: Record<string, unknown>;
  usage: UsageSample;
}

/** What a runner may say an execution failed of. */
export type ErrorCode =
  | 'USER_ERROR'
  | 'RESULT_NOT_SERIALIZABLE'
  | 'OUTPUT_LIMIT'
  | 'MODULE_NOT_FOUND'
  | 'MODULE_LIMIT'
  | 'COMPILE_LIMIT';

/** A call that an error went through, and what its variables held. */
export interface FailedFrame extends CodePlace {
  variables: Record<string, unknown>;
}

/** What is wrong with one of the parameters: a dotted path, and why. */
export interface FieldFault {
  field: string;
  message: string;
}

/** The code threw, or its value cannot be sent. */
export interface ErrorFrame {
  type: 'error';
  code: ErrorCode;
  /** The code says that another attempt cannot help. */
  final?: boolean | undefined;
  /** Which parameters are wrong, where they are. */
  fields?: FieldFault[] | undefined;
  name: string;
  message: string;
  stack: string | null;
  /** It comes from this limit of ours. */
  limit?: LimitHit | null;
  /** Innermost call first; null: not asked for, or not known. */
  locals?: FailedFrame[] | null;
  variables: Record<string, unknown>;
  usage: UsageSample;
}

/** The process is about to exit without a result: process.exit, or an uncaught error told before by `uncaught`. */
export interface ExitingFrame {
  type: 'exiting';
  exitCode: number;
  variables: Record<string, unknown>;
  usage: UsageSample;
}

/** An error nobody caught, seen before Node reports it. User code may still handle it. */
export interface UncaughtFrame {
  type: 'uncaught';
  /** As of an {@link ErrorFrame}. */
  final?: boolean | undefined;
  name: string;
  message: string;
  stack: string | null;
  /** It comes from this limit of ours. */
  limit?: LimitHit | null;
  locals?: FailedFrame[] | null;
}

/**
 * The code imports what was not shipped. The runner waits for the reply, one line of JSON
 * (ModuleReply) on the descriptor that carries the frames.
 */
export interface ModuleRequestFrame {
  type: 'module-request';
  specifier: string;
  from: string;
  missing: boolean;
}

export interface ProgressFrame {
  type: 'progress';
  /** 0 to 1 */
  fraction: number;
  message: string | null;
}

export interface UsageSample {
  userMs: number;
  systemMs: number;
  maxRssMb: number;
}

export type RunnerFrame =
  | ReadyFrame
  | AliveFrame
  | UnheardFrame
  | SettledFrame
  | ThreadEndedFrame
  | UsedFrame
  | LoadedFrame
  | OutputFrame
  | ResultFrame
  | ErrorFrame
  | ExitingFrame
  | UncaughtFrame
  | ModuleRequestFrame
  | ProgressFrame;
