/**
 * What Node keeps of an execution where the next one in this process could read it, although no code of the
 * former is left: see docs/decisions/0005-reused-runners.md.
 */
import { createRequire } from 'node:module';
import { types } from 'node:util';
import { ARTIFACTS_FOLDER } from '../../contract/fields/file-names.js';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { descriptorOf, list, ownKeysOf, remove } from '../channel/primordials.js';

const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
const clearTimeline = [
  performance.clearMarks.bind(performance),
  performance.clearMeasures.bind(performance),
  performance.clearResourceTimings.bind(performance),
];
// oxlint-disable-next-line typescript/unbound-method -- bound by call
const clearMap = Function.prototype.call.bind(Map.prototype.clear) as (map: unknown) => void;
const EMPTY = /^/;
const execEmpty = EMPTY.exec.bind(EMPTY);
/** A buffer of up to half the pool lies in the pool. */
const POOLED_BYTES = (Buffer.poolSize >>> 1) - 8;
const POOL_PARTS = 4;

/** Before the next execution, once nothing of the former one runs. */
export function removeTraces(command: ExecuteCommand): void {
  forgetInline(command);
  leavePool();
  for (let i = 0; i < clearTimeline.length; i++) clearTimeline[i]?.();
  // Names of counters and timers.
  const keys = ownKeysOf(console);
  for (let i = 0; i < keys.length; i++) {
    const value: unknown = descriptorOf(console, keys[i] as PropertyKey)?.value;
    if (typeof keys[i] === 'symbol' && types.isMap(value)) clearMap(value);
  }
  // The language keeps the last text that an expression was found in.
  execEmpty('');
}

/** The small buffers of a thread lie in one piece of memory, which Node replaces when it is full. */
function leavePool(): void {
  const before = pool();
  for (let part = 0; part < POOL_PARTS && pool() === before; part++) allocUnsafe(POOLED_BYTES);
}

const pool = (): ArrayBufferLike => allocUnsafe(8).buffer;

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
export const fileNameOf = (url: string): string => decodeURI(new URL(url).pathname);

/** Whether a file belongs to the workspace or to a package, as V8 names files: CommonJS by path, ESM by URL. */
export const isUsersCode = (rootUrl: string): ((url: string) => boolean) => {
  const root = fileNameOf(rootUrl);
  return (url) => url.startsWith(rootUrl) || url.startsWith(root) || url.includes('/node_modules/');
};
