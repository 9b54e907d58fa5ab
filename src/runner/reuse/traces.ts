/**
 * What Node keeps of an execution where the next one in this process could read it, although no code of the
 * former is left: see docs/decisions/0005-reused-runners.md.
 */
import { createRequire } from 'node:module';
import { types } from 'node:util';
import { ARTIFACTS_FOLDER } from '../../contract/fields/file-names.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { descriptorOf, list, ownKeysOf, prototypeOf, remove } from '../channel/primordials.js';

const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
const clearTimeline = [
  performance.clearMarks.bind(performance),
  performance.clearMeasures.bind(performance),
  performance.clearResourceTimings.bind(performance),
];
// oxlint-disable-next-line typescript/unbound-method -- bound by call
const clearMap = Function.prototype.call.bind(Map.prototype.clear) as (map: unknown) => void;
const sizeOf = Function.prototype.call.bind(
  (descriptorOf(Map.prototype, 'size') as { get: () => number }).get,
) as (map: unknown) => number;
const EMPTY = /^/;
const execEmpty = EMPTY.exec.bind(EMPTY);
/** A buffer of up to half the pool lies in the pool. */
const POOLED_BYTES = (Buffer.poolSize >>> 1) - 8;
const POOL_PARTS = 4;
/** As Node aligns what it takes of the pool: no two of these follow each other closer. */
const MARK_BYTES = 8;
const memoryOf = getterOf('buffer');
const startOf = getterOf('byteOffset') as (bytes: Uint8Array) => number;

/** The newest piece of the pool that was taken before the execution. */
let mark = allocUnsafe(MARK_BYTES);
/** Where Node keeps the names of counters and timers. */
const consoleMaps = ownKeysOf(console)
  .filter((key) => typeof key === 'symbol')
  .map((key): unknown => descriptorOf(console, key)?.value)
  .filter((value) => types.isMap(value));

/** Of every typed array; code may replace it. */
function getterOf(name: 'buffer' | 'byteOffset'): (bytes: Uint8Array) => unknown {
  const { get } = descriptorOf(prototypeOf(Uint8Array.prototype) as object, name) as { get: () => unknown };
  return Function.prototype.call.bind(get) as (bytes: Uint8Array) => unknown;
}

/** Before the next execution, once nothing of the former one runs. */
export function removeTraces(command: ExecuteCommand): void {
  forgetInline(command);
  leavePool();
  for (let i = 0; i < clearTimeline.length; i++) clearTimeline[i]?.();
  // An empty one would be given other memory all the same, which the former keeps.
  for (let i = 0; i < consoleMaps.length; i++) if (sizeOf(consoleMaps[i]) > 0) clearMap(consoleMaps[i]);
  // The language keeps the last text that an expression was found in.
  execEmpty('');
}

/**
 * The small buffers of a thread lie in one piece of memory, 64 KiB, which Node replaces when it is full. Where nothing
 * was taken of it, nothing of the execution is in it.
 */
function leavePool(): void {
  const next = allocUnsafe(MARK_BYTES);
  const left = memoryOf(next);
  const isUntouched = left === memoryOf(mark) && startOf(next) === startOf(mark) + MARK_BYTES;
  mark = next;
  if (isUntouched) return;
  for (let part = 0; part < POOL_PARTS && memoryOf(mark) === left; part++) {
    allocUnsafe(POOLED_BYTES);
    mark = allocUnsafe(MARK_BYTES);
  }
}

/** CommonJS is kept by its file name, which inline code shares with the next. */
function forgetInline({ entry, rootUrl }: ExecuteCommand): void {
  if (!entry.includes('?run=')) return;
  const { cache } = createRequire(rootUrl);
  delete cache[fileNameOf(entry)];
}

/** Removes what is in a folder, but the artifacts, which the worker takes; false when something stays. */
export function emptied(folder: string): boolean {
  try {
    let isEmpty = true;
    const names = list(folder);
    for (let i = 0; i < names.length; i++) {
      if (names[i] === ARTIFACTS_FOLDER) isEmpty = false;
      else remove(`${folder}/${names[i]}`, { recursive: true, force: true });
    }
    return isEmpty;
  } catch {
    return false;
  }
}

/** Path of a file that a URL names, as Node spells it. */
export function fileNameOf(url: string): string {
  // A reused runner is mostly asked for one and the same.
  if (url !== lastUrl) {
    lastFileName = decodeURI(new URL(url).pathname);
    lastUrl = url;
  }
  return lastFileName;
}

let lastUrl = '';
let lastFileName = '';

/** Whether a file belongs to the workspace or to a package, as V8 names files: CommonJS by path, ESM by URL. */
export const isUsersCode = (rootUrl: string): ((url: string) => boolean) => {
  const root = fileNameOf(rootUrl);
  return (url) => url.startsWith(rootUrl) || url.startsWith(root) || url.includes('/node_modules/');
};
