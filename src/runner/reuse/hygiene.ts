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
import { prototypeOf, text } from '../channel/primordials.js';
import { OpenResources } from './open-resources.js';
import { type KnownChanges, WatchedObject } from './watched-object.js';

const MAX_REASONS = 10;

/** Every this many looks one is thorough. */
const THOROUGH_EVERY = 16;
/** A runner that is new to its code is looked over after each of its first executions, this many. */
const FIRST_LOOKS = 8;

const INTRINSICS = [
  'Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Promise', 'Map', 'Set',
  'WeakMap', 'WeakSet', 'WeakRef', 'Date', 'RegExp', 'Error', 'TypeError', 'RangeError', 'SyntaxError',
  'ReferenceError', 'AggregateError', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Uint8Array', 'Proxy',
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
    const generator = prototypeOf(function* () {}) as object;
    const asyncFunction = prototypeOf(async () => undefined) as object;
    const iterator = prototypeOf([][Symbol.iterator]()) as object;
    for (const [name, target] of Object.entries({ generator, asyncFunction, iterator }))
      this.watch(name, target);
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
   * Reasons not to use the process again; none: nothing was found.
   * @param lookEvery after this many executions what is costly to compare is looked at
   */
  inspect(lookEvery: number): string[] {
    const reasons: string[] = [];
    if (!this.resources.isQuiet) reasons.push(`open: ${this.resources.names().join(', ')}`);
    for (const event of eventsOf())
      if (countOf(event) !== (this.events.get(event) ?? 0)) reasons.push(`process listener: ${text(event)}`);
    this.executions += 1;
    if (this.executions <= FIRST_LOOKS || this.executions % lookEvery === 0) this.look(reasons);
    if (reasons.length === 0) return reasons;
    return reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, 200));
  }

  private look(reasons: string[]): void {
    this.looks += 1;
    const thorough = this.looks % THOROUGH_EVERY === 0;
    const globalChange = this.globals.change(thorough);
    if (globalChange !== null) reasons.push(`global: ${globalChange}`);
    for (const object of this.watched) {
      const change = object.change(thorough);
      if (change !== null) reasons.push(`changed: ${object.name}.${change}`);
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

/** Set by the runner itself for each execution, or by Node on its own. */
const VOLATILE = new Set<PropertyKey>(['argv', 'env', 'exitCode', '_exiting', 'domain']);

const startsWithUnderscore = (key: PropertyKey): boolean => text(key).startsWith('_');

/** What `fetch` is made of leaves symbols. */
const isUndicis = (key: PropertyKey): boolean =>
  typeof key === 'symbol' && text(key).startsWith('Symbol(undici.');

const eventsOf = process.eventNames.bind(process);
const countOf = process.listenerCount.bind(process) as (event: string | symbol) => number;
