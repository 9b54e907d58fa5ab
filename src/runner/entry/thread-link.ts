import type { MessagePort } from 'node:worker_threads';

/** First message of a host to its thread: how they talk from then on. */
export interface ThreadLink {
  /** Commands to the thread; not its own port, which every module in it can listen to. */
  commands: MessagePort;
  /** Frames, as lines, to the host. */
  frames: MessagePort;
  /** Module replies, which the thread takes while it blocks. */
  replies: MessagePort;
  counters: Int32Array<SharedArrayBuffer>;
}

/** Counter: characters of frames that the host has not passed on yet. */
export const IN_FLIGHT = 0;
/** Counter: module replies that the host has sent. */
export const REPLIES = 1;
export const COUNTERS_BYTES = 8;

/** How many characters of frames may wait in the host; beyond, the thread that prints waits. */
export const IN_FLIGHT_LIMIT_CHARS = 4_194_304;
