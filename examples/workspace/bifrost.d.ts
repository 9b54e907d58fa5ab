/**
 * Types of what a worker gives to a workflow, so that an editor completes them:
 *
 *     import type { Context } from 'bifrost';
 *     export async function greet(parameters: { name: string }, context: Context) { … }
 *
 * Copy this file into your workspace. It holds types only; nothing of it is there at run time.
 */
declare module 'bifrost' {
  /** Second argument of a workflow function. */
  export interface Context {
    executionId: string;
    /** 1 for the first time; more when a worker died or the job asked for more attempts. */
    attempt: number;
    /** How often this code was given to a worker to be started, this time included; above 1 it may have run before. */
    starts: number;
    /** 1 for the first run; more where it had ended and runs again, such as after a retry by hand. */
    run: number;
    /** The job scheduler whose tick it is, and when that was due (ISO 8601). */
    schedule: { id: string; dueAt: string } | null;
    /** In a BullMQ flow: what the children returned, by the key of their job, as `getChildrenValues` has it. */
    children: Readonly<Record<string, unknown>>;
    /** Why children failed whose failure the flow ignores. */
    childFailures: Readonly<Record<string, string>>;
    workflowId: string | null;
    /** What people call it. */
    name: string | null;
    /** Files that its producer sent along, by name. */
    files: Readonly<Record<string, Buffer>>;
    /** Files that come out of the execution: docs/artifacts.md. */
    artifacts: Artifacts;
    /** Settings that its producer hands on. */
    config: Record<string, unknown>;
    /** What a launch workflow returned before. */
    startup: Record<string, unknown> | null;
    /** What set it off, such as a webhook. */
    event: Record<string, unknown> | null;
    /** Everything else that its producer wrote into the context. */
    extra: Record<string, unknown>;
    /** On whose behalf the workflow runs. */
    caller: {
      user_id?: string | null;
      email?: string | null;
      name?: string | null;
      [field: string]: unknown;
    } | null;
    organization: { id: string; name?: string | null; [field: string]: unknown } | null;
    /** Their values are redacted from logs, output and result. */
    secrets: Record<string, string>;
    /** Place in the trace (W3C `traceparent`), to hand on to what the workflow calls; null when it is not traced. */
    traceparent: string | null;
    /** When the execution is killed. */
    deadline: Date;
    /** Aborts when the execution is cancelled; `signal.reason.message` says why. Code that never takes it is killed at once. */
    signal: AbortSignal;
    logger: Logger;
    /** Reports how far the work is: `fraction` from 0 to 1. */
    progress(fraction: number, message?: string): void;
    /** What is put in here is in the result, also when the workflow fails. JSON values. */
    variables: Record<string, unknown>;
  }

  export interface Artifacts {
    /** Folder: what lies in it when the execution ends comes out. */
    readonly dir: string;
    /** Writes one of them: a name without a path, and text, bytes, or something that gives these piece by piece. */
    write(
      name: string,
      data:
        | string
        | NodeJS.ArrayBufferView
        | Iterable<string | NodeJS.ArrayBufferView>
        | AsyncIterable<string | NodeJS.ArrayBufferView>,
    ): Promise<void>;
  }

  /** Writes to the logs of the execution: a level, a message, and fields that programs can read. */
  export interface Logger {
    debug(message: unknown, fields?: Record<string, unknown>): void;
    info(message: unknown, fields?: Record<string, unknown>): void;
    warn(message: unknown, fields?: Record<string, unknown>): void;
    error(message: unknown, fields?: Record<string, unknown>): void;
    /** A logger whose messages all have these fields too. */
    child(fields: Record<string, unknown>): Logger;
  }
}
