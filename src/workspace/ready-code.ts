import type { ShippedModule } from '../boundary/shipped-module.js';
import { ByteLru } from '../lib/byte-lru.js';
import type { LinkedModule } from './closure.js';
import { type Entry, recipeKey } from './entry.js';

/** A closure in the form in which it goes to runners. */
export interface ReadyModules {
  entryUrl: string;
  /** The entry first. The same objects each time, so that a runner that has them need not get them again. */
  modules: ShippedModule[];
  linked: readonly LinkedModule[];
}

const CACHE_BYTES = 16 * 1024 * 1024;

/** Closures that were collected from a generation. A published one never changes, so that nothing of it has to be looked up again. */
export class ReadyCode {
  private readonly entries = new ByteLru<ReadyModules>(CACHE_BYTES);

  find(entry: Entry, generation: number): ReadyModules | undefined {
    return this.entries.get(keyOf(entry, generation));
  }

  keep(entry: Entry, generation: number, ready: ReadyModules): void {
    const chars = ready.modules.reduce((sum, { url, source }) => sum + url.length + source.length, 0);
    this.entries.set(keyOf(entry, generation), ready, 2 * chars);
  }
}

const keyOf = (entry: Entry, generation: number): string => `${generation}:${recipeKey(entry)}`;
