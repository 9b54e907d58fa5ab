import { isMainThread } from 'node:worker_threads';
import type { FrameFields, FrameType } from '../../boundary/runner-frames.js';
import { BOOT_NONCE, CHANNEL_FD } from '../../boundary/runner-protocol.js';
import { OwnMemory } from './own-memory.js';
import { cpuUsage, keysOf, partOfText, round, stringify, resourceUsage, wait, write } from './primordials.js';

const RETRY_MS = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));
const WRITE_BYTES = 65_536;
const memory = new OwnMemory(WRITE_BYTES);

let nonce = BOOT_NONCE;
let deliver: (lines: string) => void = writeAll;
/** Lines that go out with the next frame. */
let waiting = '';
/** A frame that goes out before the next one, unless another takes its place. */
let deferred = '';
let holding = false;
/** Of the last frame of those that wait; null: none does. */
let last: FrameType | null = null;

/** From now on frames go this way; a thread has no descriptor of its own. */
export function deliverBy(way: (lines: string) => void): void {
  deliver = way;
}

/** From now on frames carry the nonce of this execution. */
export function useNonce(next: string): void {
  deferred = '';
  nonce = next;
}

/**
 * Sends one frame with a blocking write, so that it is out before user code can end the process; frames
 * that wait go with it, in their order. `fields` are JSON texts by name: a value of the user's is turned into text on its own and cannot
 * reach beyond its field, whatever its toJSON does.
 */
export function sendFrame<T extends FrameType>(type: T, fields: FrameFields<T>): void {
  postFrame(type, fields);
  flushFrames();
}

/** As {@link sendFrame}, but not urgent: it goes with the next frame, or when {@link flushFrames} is called. */
export function postFrame<T extends FrameType>(type: T, fields: FrameFields<T>): void {
  waiting += deferred + frameOf(type, fields);
  deferred = '';
  last = type;
}

/** Takes a frame back that was posted, where it waits alone: what it says goes with another. */
export function takeBack<T extends FrameType>(type: T, fields: FrameFields<T>): boolean {
  if (waiting !== frameOf(type, fields)) return false;
  waiting = '';
  last = null;
  return true;
}

/** Adds a field to the newest frame, where that is of this type and still waits. `value`: a JSON text. */
export function addToNewest(type: FrameType, name: string, value: string): boolean {
  if (last !== type || deferred !== '') return false;
  waiting = `${partOfText(waiting, 0, waiting.length - CLOSING.length)},"${name}":${value}${CLOSING}`;
  return true;
}

/** As {@link postFrame}, but only the newest that was deferred goes out, with the next frame of another kind. */
export function deferFrame<T extends FrameType>(type: T, fields: FrameFields<T>): void {
  deferred = frameOf(type, fields);
}

function frameOf(type: string, fields: Readonly<Record<string, string>>): string {
  let frame = `${nonce} {"type":"${type}"`;
  const names = keysOf(fields);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    frame += `,"${name}":${fields[name] as string}`;
  }
  return `${frame}${CLOSING}`;
}

/** How each frame ends. */
const CLOSING = '}\n';

/** Until {@link releaseFrames} frames wait for each other: each write wakes the worker. */
export function holdFrames(): void {
  holding = true;
}

/** Sends what waits, and holds nothing any longer. */
export function releaseFrames(): void {
  holding = false;
  flushFrames();
}

/** Sends what waits, unless it is held. */
export function flushFrames(): void {
  if (holding || waiting === '') return;
  const lines = waiting;
  waiting = '';
  last = null;
  deliver(lines);
}

/** JSON text of a string or null. */
export const json = (value: string | null): string => stringify(value);

let baseline = { user: 0, system: 0 };

/** What was used up to here, by the boot or by earlier executions, is not this execution's. */
export function startUsage(): void {
  baseline = cpuUsage();
}

/** JSON text of what this execution has used so far. */
export function usageJson(): string {
  const { userCPUTime, systemCPUTime, maxRSS } = resourceUsage();
  // Of a process the same call says it.
  const { user, system } = isMainThread ? { user: userCPUTime, system: systemCPUTime } : cpuUsage();
  const userMs = round((user - baseline.user) / 1000);
  const systemMs = round((system - baseline.system) / 1000);
  return `{"userMs":${userMs},"systemMs":${systemMs},"maxRssMb":${round(maxRSS / 1024)}}`;
}

/** Writes to the channel until everything is out. */
export function writeAll(text: string): void {
  let rest = text;
  while (rest !== '') {
    const { read, written } = memory.put(rest);
    try {
      writeBytes(written);
    } finally {
      memory.clear(written);
    }
    rest = read === rest.length ? '' : partOfText(rest, read);
  }
}

function writeBytes(length: number): void {
  let sent = 0;
  while (sent < length) {
    try {
      sent += write(CHANNEL_FD, memory.bytes, sent, length - sent);
    } catch (error) {
      // The descriptor became non-blocking, or a signal came in between: the rest follows.
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      wait(pause, 0, 0, RETRY_MS);
    }
  }
}
