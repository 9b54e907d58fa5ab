/**
 * What an execution left behind in a process that is to serve another one of the same organization.
 * Anything found makes the worker replace the runner; what is looked for and what is not:
 * docs/decisions/0005-reused-runners.md.
 */
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
import { json } from '../channel/channel.js';
import { partOfText, prototypeOf, text } from '../channel/primordials.js';
import { OpenResources } from './open-resources.js';
import { type KnownChanges, WatchedObject } from './watched-object.js';

const MAX_REASONS = 10;
const MAX_REASON_CHARS = 200;

/** Every this many looks one is thorough. */
const THOROUGH_EVERY = 16;
/** A runner that is new to its code is looked over after each of its first executions, this many. */
const FIRST_LOOKS = 8;

const INTRINSICS = [
  'Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Promise', 'Map', 'Set',
  'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Date', 'RegExp', 'Error', 'TypeError', 'RangeError', 'SyntaxError',
  'ReferenceError', 'EvalError', 'URIError', 'AggregateError', 'SuppressedError', 'DisposableStack',
  'AsyncDisposableStack', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array',
  'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array',
  'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Proxy',
  'Iterator', 'URL', 'AbortController', 'AbortSignal', 'EventTarget', 'Event', 'Buffer', 'TextEncoder',
  'TextDecoder',
]; // prettier-ignore
const NAMESPACES = ['JSON', 'Math', 'Reflect', 'Atomics', 'Intl', 'WebAssembly', 'console'];

/**
 * Compares the process after an execution with what it was before the first one. What it was is taken in two steps,
 * since it takes 10 ms: most of it may be taken while no execution waits.
 */
export class Hygiene {
  private readonly globals = new WatchedObject('global', globalThis, { isNodes: isUndicis, closely: true });
  private readonly watched: WatchedObject[] = [];
  private readonly events = new Map<string | symbol, number>();
  private hasStarted = false;
  private executions = 0;
  private looks = 0;
  readonly resources = new OpenResources();

  /** Take it when the runner has done all its own patching, but for that of `process`. */
  constructor() {
    for (const name of INTRINSICS) this.watchClass(name, (globalThis as Record<string, unknown>)[name]);
    for (const name of NAMESPACES) this.watch(name, (globalThis as Record<string, unknown>)[name]);
    for (const [name, target] of Object.entries(namelessIntrinsics())) this.watch(name, target);
    this.watchClass('TypedArray', prototypeOf(Uint8Array));
    this.watch('util.inspect.defaultOptions', util.inspect.defaultOptions);
    for (const name of ['stdout', 'stderr'] as const)
      this.watch(`process.${name}`, process[name], { volatile: STREAM_VOLATILE });
    this.watchClass('EventEmitter', EventEmitter);
    this.watchClass('Module', module);
    for (const [name, target] of Object.entries({ buffer, fs, net, os, path, stream, timers, util }))
      this.watch(`node:${name}`, target);
  }

  /**
   * Right before an execution, once `process` is as it finds it. Only the first time counts.
   * @param undo is given what keeps anything of this from staying in the process
   */
  start(undo: (() => void)[]): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    this.watch('process', process, { volatile: VOLATILE, isNodes: startsWithUnderscore });
    for (const event of eventsOf()) this.events.set(event, countOf(event));
    this.resources.watch();
    undo.push(() => this.resources.stop());
  }

  /**
   * Adds reasons not to use the process again; none: nothing was found. Code may have replaced any method of arrays.
   * @param lookEvery after this many executions what is costly to compare is looked at
   */
  inspect(lookEvery: number, reasons: string[]): void {
    if (!this.resources.isQuiet) add(reasons, `open: ${this.resources.names().join(', ')}`);
    if (catchesAll()) add(reasons, 'process.setUncaughtExceptionCaptureCallback');
    const events = eventsOf();
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as string | symbol;
      if (countOf(event) !== (this.events.get(event) ?? 0)) add(reasons, `process listener: ${text(event)}`);
    }
    this.executions += 1;
    if (this.executions <= FIRST_LOOKS || this.executions % lookEvery === 0) this.look(reasons);
  }

  private look(reasons: string[]): void {
    this.looks += 1;
    const thorough = this.looks % THOROUGH_EVERY === 0;
    const globalChange = this.globals.change(thorough);
    if (globalChange !== null) add(reasons, `global: ${globalChange}`);
    for (let i = 0; i < this.watched.length; i++) {
      const object = this.watched[i] as WatchedObject;
      const change = object.change(thorough);
      if (change !== null) add(reasons, `changed: ${object.name}.${change}`);
    }
  }

  private watchClass(name: string, target: unknown): void {
    this.watch(name, target);
    this.watch(`${name}.prototype`, (target as { prototype?: unknown } | undefined)?.prototype);
  }

  private watch(name: string, target: unknown, known: KnownChanges = { isNodes: isUndicis }): void {
    if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return;
    this.watched.push(new WatchedObject(name, target, known));
  }
}

const add = (reasons: string[], reason: string): void => void (reasons[reasons.length] = reason);

/** As JSON, cut where they are many or long. */
export function reasonsAsJson(reasons: readonly string[]): string {
  let list = '';
  for (let i = 0; i < reasons.length && i < MAX_REASONS; i++)
    list += `${i === 0 ? '' : ','}${json(partOfText(reasons[i] as string, 0, MAX_REASON_CHARS))}`;
  return `[${list}]`;
}

/** What the language has, and names nowhere. */
function namelessIntrinsics(): Record<string, object | null> {
  const generator = prototypeOf(function* () {});
  const asyncGenerator = prototypeOf(async function* () {});
  return {
    generator,
    asyncGenerator,
    'generator.prototype': (generator as GeneratorFunction).prototype as object,
    'asyncGenerator.prototype': (asyncGenerator as AsyncGeneratorFunction).prototype as object,
    asyncFunction: prototypeOf(async () => undefined),
    iterator: prototypeOf([][Symbol.iterator]()),
    mapIterator: prototypeOf(new Map()[Symbol.iterator]()),
    setIterator: prototypeOf(new Set()[Symbol.iterator]()),
    stringIterator: prototypeOf(''[Symbol.iterator]()),
    matchIterator: prototypeOf(''.matchAll(/./g)),
  };
}

/** Node makes them anew with each print. */
const STREAM_VOLATILE = new Set<PropertyKey>(['_events', '_eventsCount', '_writableState']);

/** Set by the runner itself for each execution, or by Node on its own. */
const VOLATILE = new Set<PropertyKey>(['argv', 'env', 'exitCode', '_exiting', 'domain']);

const startsWithUnderscore = (key: PropertyKey): boolean => text(key).startsWith('_');

/** What `fetch` is made of leaves symbols. */
const isUndicis = (key: PropertyKey): boolean =>
  typeof key === 'symbol' && text(key).startsWith('Symbol(undici.');

const catchesAll = process.hasUncaughtExceptionCaptureCallback.bind(process);
const eventsOf = process.eventNames.bind(process);
const countOf = process.listenerCount.bind(process) as (event: string | symbol) => number;
