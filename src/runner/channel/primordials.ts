/**
 * Functions that the runner still needs after user code has run, taken before it does. User code may
 * patch any global; a patched JSON.stringify or fs.writeSync must not change what the runner reports.
 */
import { readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';

export const write = writeSync;
export const read = readSync;
export const list = readdirSync as (folder: string) => string[];
export const remove = rmSync;
export const inspectValue = inspect;
export const stringify = JSON.stringify;
export const keysOf = Object.keys;
export const hasOwn = Object.hasOwn;
export const parse = JSON.parse;
export const now = Date.now;
export const resourceUsage = process.resourceUsage.bind(process);
/** In microseconds: of a process all of it, since its helper threads work for the one execution; of a thread its own. */
export const cpuUsage = isMainThread ? process.cpuUsage.bind(process) : process.threadCpuUsage.bind(process);
export const wait = Atomics.wait;
export const exit = process.exit.bind(process);
export const round = Math.round;
export const text = String;
export const activeResources = process.getActiveResourcesInfo.bind(process);
export const inNextTurn = nextTurn;
export const ownKeysOf = Reflect.ownKeys;
export const descriptorOf = Reflect.getOwnPropertyDescriptor;
export const prototypeOf = Reflect.getPrototypeOf;
export const defineProperty = Reflect.defineProperty;
export const isExtensible = Reflect.isExtensible;
export const apply = Reflect.apply;
// oxlint-disable-next-line typescript/unbound-method -- bound by call
export const tagOf = Function.prototype.call.bind(Object.prototype.toString) as (value: unknown) => string;
// oxlint-disable-next-line typescript/unbound-method -- bound by call
export const boundTo = Function.prototype.call.bind(Function.prototype.bind) as (
  called: object,
  owner: unknown,
  ...args: unknown[]
) => () => unknown;
// oxlint-disable-next-line typescript/unbound-method -- bound by call
export const thenOf = Function.prototype.call.bind(Promise.prototype.then) as <T>(
  promise: Promise<T>,
  done: (value: T) => unknown,
  failed?: (error: unknown) => unknown,
) => Promise<unknown>;
// oxlint-disable-next-line typescript/unbound-method -- bound by call
export const charCode = Function.prototype.call.bind(String.prototype.charCodeAt) as (
  value: string,
  at: number,
) => number;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
export const encodeInto = encoder.encodeInto.bind(encoder);
export const decodeText = decoder.decode.bind(decoder);
/* oxlint-disable typescript/unbound-method -- bound by call */
const { call } = Function.prototype;
export const fill = call.bind(Uint8Array.prototype.fill) as (
  bytes: Uint8Array,
  value: number,
  start: number,
  end: number,
) => Uint8Array;
export const partOf = call.bind(Uint8Array.prototype.subarray) as (
  bytes: Uint8Array,
  start: number,
  end: number,
) => Uint8Array;
/** Of the first byte with this value from `from` on; -1: there is none. */
export const placeOf = call.bind(Uint8Array.prototype.indexOf) as (
  bytes: Uint8Array,
  value: number,
  from: number,
) => number;
export const setBytes = call.bind(Uint8Array.prototype.set) as (
  bytes: Uint8Array,
  source: Uint8Array,
  at: number,
) => void;
export const partOfText = call.bind(String.prototype.slice) as (
  text: string,
  start: number,
  end?: number,
) => string;
/* oxlint-enable typescript/unbound-method */
/** As it was before user code was kept from some of them. */
export const builtinModule = process.getBuiltinModule.bind(process) as (id: string) => unknown;
