/**
 * What an execution left behind in a process that is to serve another one of the same organization.
 * Anything found makes the worker replace the runner; what is looked for and what is not:
 * docs/decisions/0005-reused-runners.md.
 */
import { createHook } from 'node:async_hooks';
import buffer from 'node:buffer';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import module from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import stream from 'node:stream';
import timers from 'node:timers';
import util from 'node:util';
import { apply, descriptorOf, isExtensible, ownKeysOf, prototypeOf, text } from './primordials.js';

const MAX_REASONS = 10;
/** One-time work that Node does by itself and that runs no user code later. */
const HARMLESS = new Set(['Immediate', 'TickObject', 'Microtask', 'RANDOMBYTESREQUEST', 'FSREQCALLBACK']);

type Shape = Map<PropertyKey, PropertyDescriptor>;
interface Watched {
  name: string;
  target: object;
  shape: Shape;
  extensible: boolean;
}

const INTRINSICS = [
  'Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Promise', 'Map', 'Set',
  'WeakMap', 'WeakSet', 'WeakRef', 'Date', 'RegExp', 'Error', 'TypeError', 'RangeError', 'SyntaxError',
  'ReferenceError', 'AggregateError', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Uint8Array', 'Proxy',
  'Iterator', 'URL', 'AbortController', 'AbortSignal', 'EventTarget', 'Event', 'Buffer', 'TextEncoder',
  'TextDecoder',
]; // prettier-ignore
const NAMESPACES = ['JSON', 'Math', 'Reflect', 'Atomics', 'Intl', 'WebAssembly', 'console'];

/** Compares the process after an execution with what it was before the first one. */
export class Hygiene {
  private readonly watched: Watched[] = [];
  private readonly globals = shapeOf(globalThis);
  private readonly events: Map<string | symbol, number>;
  private readonly resources = new Map<number, string>();

  /** Take it last, when the runner has done all its own patching. */
  constructor() {
    for (const name of INTRINSICS) this.watchClass(name, (globalThis as Record<string, unknown>)[name]);
    for (const name of NAMESPACES) this.watch(name, (globalThis as Record<string, unknown>)[name]);
    const generator = prototypeOf(function* () {}) as object;
    const asyncFunction = prototypeOf(async () => undefined) as object;
    const iterator = prototypeOf([][Symbol.iterator]()) as object;
    for (const [name, target] of Object.entries({ generator, asyncFunction, iterator }))
      this.watch(name, target);
    this.watchClass('EventEmitter', EventEmitter);
    this.watchClass('Module', module);
    for (const [name, target] of Object.entries({ buffer, fs, net, os, path, stream, timers, util }))
      this.watch(`node:${name}`, target);
    this.watch('process', process);
    this.events = listenersOf();
    createHook({
      init: (id, type) => void (HARMLESS.has(type) || this.resources.set(id, type)),
      destroy: (id) => void this.resources.delete(id),
      trackPromises: false,
    }).enable();
  }

  /** What is open before an execution is not the execution's. */
  begin(): void {
    this.resources.clear();
  }

  /** Reasons not to use the process again; none: it is clean. */
  inspect(): string[] {
    const reasons: string[] = [];
    const open = new Set(this.resources.values());
    if (open.size > 0) reasons.push(`open: ${[...open].join(', ')}`);
    for (const [event, count] of listenersOf())
      if (count !== (this.events.get(event) ?? 0)) reasons.push(`process listener: ${text(event)}`);
    const globalChange = changeIn(globalThis, this.globals);
    if (globalChange !== null) reasons.push(`global: ${globalChange}`);
    for (const { name, target, shape, extensible } of this.watched) {
      const change = isExtensible(target) === extensible ? changeIn(target, shape) : 'preventExtensions';
      if (change !== null) reasons.push(`changed: ${name}.${change}`);
    }
    return reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, 200));
  }

  private watchClass(name: string, target: unknown): void {
    this.watch(name, target);
    this.watch(`${name}.prototype`, (target as { prototype?: unknown } | undefined)?.prototype);
  }

  private watch(name: string, target: unknown): void {
    if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return;
    this.watched.push({ name, target, shape: shapeOf(target), extensible: isExtensible(target) });
  }
}

function shapeOf(target: object): Shape {
  const shape: Shape = new Map();
  for (const key of ownKeysOf(target)) shape.set(key, descriptorOf(target, key) as PropertyDescriptor);
  return shape;
}

/** Set by the runner itself for each execution, or by Node on its own. */
const VOLATILE = new Set<PropertyKey>(['argv', 'env', 'exitCode', '_exiting', 'domain']);

/** Name of a property that is not as it was; null: all are. */
function changeIn(target: object, shape: Shape): string | null {
  const keys: PropertyKey[] = ownKeysOf(target);
  for (const key of keys) {
    const before = shape.get(key);
    if (before === undefined) {
      if (isNodes(target, key)) continue;
      return text(key);
    }
    if (target === process && VOLATILE.has(key)) continue;
    if (!isSame(target, before, descriptorOf(target, key) as PropertyDescriptor)) return text(key);
  }
  if (keys.length < shape.size)
    return [...shape.keys()].filter((key) => !keys.includes(key)).map(text)[0] ?? '';
  return null;
}

/** Appears when Node first uses a part of itself. */
const isNodes = (target: object, key: PropertyKey): boolean =>
  target === process
    ? text(key).startsWith('_')
    : typeof key === 'symbol' && text(key).startsWith('Symbol(undici.');

function isSame(target: object, before: PropertyDescriptor, now: PropertyDescriptor): boolean {
  if (before.get === now.get && before.set === now.set && Object.is(before.value, now.value))
    return before.writable === now.writable && before.configurable === now.configurable;
  // Node replaces a lazy getter by its value when it is first read.
  // oxlint-disable-next-line typescript/unbound-method -- applied to its own target
  const getter = before.get;
  return getter !== undefined && 'value' in now && Object.is(apply(getter, target, []), now.value);
}

function listenersOf(): Map<string | symbol, number> {
  return new Map(process.eventNames().map((event) => [event, process.listenerCount(event)]));
}
