import type { MessagePort } from 'node:worker_threads';

/** First message of a host to its thread: how they talk from then on. */
export interface ThreadLink {
  /** Commands to the thread, as JSON; not its own port, which every module in it can listen to. */
  commands: MessagePort;
  /** Frames, as lines, to the host. */
  frames: MessagePort;
  /** Module replies, which the thread takes while it blocks. */
  replies: MessagePort;
  counters: Int32Array<SharedArrayBuffer>;
  /** The thread serves one execution after the other. */
  isReused: boolean;
}

/** Counter: characters of frames that the host has not passed on yet. */
export const IN_FLIGHT = 0;
/** Counter: module replies that the host has sent. */
export const REPLIES = 1;
/** Counter: executions that the thread has begun. */
export const STARTED = 2;
/** Counters: CPU time of the thread when it began the last of them, in milliseconds. */
export const STARTED_USER_MS = 3;
export const STARTED_SYSTEM_MS = 4;
export const COUNTERS_BYTES = 20;

/** How many characters of frames may wait in the host; beyond, the thread that prints waits. */
export const IN_FLIGHT_LIMIT_CHARS = 4_194_304;
