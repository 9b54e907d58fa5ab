import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import vm from 'node:vm';
import { apply } from '../channel/primordials.js';

const setFlags = v8.setFlagsFromString.bind(v8);
let state = 0;

/**
 * Gives V8 the seed of this process: what draws its first random number from now on begins with it. The state of
 * V8's own generator was copied from the template, and is that of every child of it.
 * @param seed 31 random bits.
 */
export function seedRandom(seed: number): void {
  state = seed || 1;
  setFlags(`--random-seed=${state}`);
}

/**
 * Has each new context of node:vm begin with another seed, as it does where V8 draws them itself. Before user
 * code is loaded.
 */
export function seedContexts(): void {
  replaceIn(vm, 'createContext');
  replaceIn(vm, 'runInNewContext');
  replaceIn(vm.Script.prototype, 'runInNewContext');
  syncBuiltinESMExports();
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function replaceIn(owner: object, name: string): void {
  const original = (owner as Record<string, Method>)[name] as Method;
  const seeded: Method = function (...args) {
    if (state !== 0) seedRandom(next(state));
    return apply(original, this, args);
  };
  Object.defineProperties(seeded, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(owner, name, { value: seeded, writable: true, enumerable: true, configurable: true });
}

/** Marsaglia's xorshift with 32 bits ("Xorshift RNGs", 2003), of which V8 takes 31. */
function next(before: number): number {
  let x = before;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x & 0x7fff_ffff;
}
