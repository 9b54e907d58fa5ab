import { descriptorOf, ownKeysOf } from '../channel/primordials.js';

/**
 * Has Node load what its globals stand for. It does so when one is looked at, the classes of `fetch` for 45 ms, and the look over a
 * runner that is used again begins with that: where no execution waits it is done ahead.
 */
export function loadGlobals(): void {
  for (const name of ownKeysOf(globalThis)) descriptorOf(globalThis, name);
}
