/**
 * What worker and runner say to each other. Pure types and constants: the runner imports this file
 * and must stay tiny. What a runner may send is in runner-frames.ts.
 *
 * A runner process hosts one slot (kind `process`) or several threads (kind `thread`); each frame names its
 * execution by the nonce, each command after `execute` by `ref`.
 *
 * Two descriptors carry it. The runner writes frames to CHANNEL_FD with blocking writes, so that
 * nothing is lost when user code ends the process; the worker writes commands to COMMAND_FD.
 * Frame: `<nonce> <JSON>\n`. The nonce belongs to one execution and is in the closure of the
 * runner only: what user code writes to the descriptor lacks it, which ends that execution.
 */

import type { InputFile } from '../contract/fields/artifacts.js';
import type { NetworkPolicy } from '../contract/confinement.js';
import type { ContextDetails } from '../contract/execution.js';
import type { ModuleReply } from './module-protocol.js';
import type { ShippedModule } from './shipped-module.js';

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
  /** The worker takes what lies in the artifacts folder at the end. */
  keepsArtifacts: boolean;
  /** The worker cannot: the runner empties its scratch folder before it says `settled`. */
  clearsScratch: boolean;
  /** What `process.pid` shows: in a namespace the runner itself cannot know it. */
  pid: number;
  /** For the first execution of a runner; what it takes away never comes back. */
  network: NetworkPolicy;
  /** It loads no native code, whatever the runner may; for the first execution of a runner. */
  withoutAddons: boolean;
  resultLimitBytes: number;
  /** The runner is to serve another execution: it says `settled` after this one instead of being killed. */
  keep: boolean;
  /** The runner looks at what executions have changed in Node and in the language after this many. */
  lookEvery: number;
  /** Of an error that ends the execution: the local variables of the calls that it went through. */
  captureLocals: boolean;
  context: ContextData;
}

/** The part of the user's `context` argument that is plain data. */
export interface ContextData extends ContextDetails {
  executionId: string;
  attempt: number;
  run: number;
  starts: number;
  schedule: { id: string; dueAt: string } | null;
  children: Readonly<Record<string, unknown>>;
  childFailures: Readonly<Record<string, string>>;
  workflowId: string | null;
  /** Input files by name. */
  files: Readonly<Record<string, InputFile>>;
  caller: Record<string, unknown> | null;
  organization: Record<string, unknown> | null;
  secrets: Record<string, string>;
  /** W3C place in the trace that the code may go on with; null: nothing is traced. */
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
  | ExecuteCommand
  | CancelCommand
  | ProbeCommand
  | TerminateCommand
  | ModuleReplyCommand
  | HoldCommand;
