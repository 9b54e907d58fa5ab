import { createHook } from 'node:async_hooks';

/** Runs before anything else that is asked for in the same turn can: nothing has to be waited for. */
const AT_ONCE = new Set(['TickObject', 'Microtask']);
/**
 * Runs later, but keeps nothing open: what Node begins by itself and does once, a blob that is read, and the next turn of
 * the event loop.
 */
const ONCE = new Set(['Immediate', 'RANDOMBYTESREQUEST', 'FSREQCALLBACK', 'BLOBREADER']);
/**
 * What `pipeline`, `finished` and loops over streams wait by: over once it has called back, while Node takes it for alive until
 * it collects garbage.
 */
const UNTIL_CALLED = 'STREAM_END_OF_STREAM';

/**
 * What an execution opens that can still call its code when it has ended: timers, sockets, watchers and the like,
 * as Node names them.
 *
 * That something has closed is watched for from the first opening on: Node keeps a list of everything that ends for
 * those that watch, and calls them once more in each turn of the event loop.
 */
export class OpenResources {
  private readonly open = new Map<number, string>();
  /** What the execution has begun that runs later, and how much of that is the runner's own. */
  private begun = 0;
  private own = 0;
  private watchesClosings = false;
  private readonly openings = createHook({
    init: (id, type) => this.note(id, type),
    trackPromises: false,
  });
  private readonly closings = createHook({
    destroy: (id) => void this.open.delete(id),
    after: (id) => {
      if (this.open.get(id) === UNTIL_CALLED) this.open.delete(id);
    },
    trackPromises: false,
  });

  watch(): void {
    this.openings.enable();
  }

  stop(): void {
    this.openings.disable();
    this.closings.disable();
  }

  /** What is open before an execution is not the execution's. */
  begin(): void {
    this.begun = 0;
    this.own = 0;
    if (!this.watchesClosings) return;
    this.open.clear();
    this.closings.disable();
    this.watchesClosings = false;
  }

  /** The runner is about to wait for the next turn of the event loop itself. */
  noteOwnTurn(): void {
    this.own += 1;
  }

  /** Nothing that was opened can still call the code. */
  get isQuiet(): boolean {
    return this.open.size === 0;
  }

  /** Nothing ran or runs later, but what the runner itself has begun. */
  get isStill(): boolean {
    return this.begun === this.own;
  }

  /** Names of what is open, each once. */
  names(): string[] {
    return [...new Set(this.open.values())];
  }

  private note(id: number, type: string): void {
    if (AT_ONCE.has(type)) return;
    this.begun += 1;
    if (ONCE.has(type)) return;
    this.open.set(id, type);
    if (this.watchesClosings) return;
    this.watchesClosings = true;
    this.closings.enable();
  }
}
