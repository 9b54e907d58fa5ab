import type { ModuleFailure, ModuleReply, ModuleRequest } from '../boundary/module-protocol.js';
import type { ShippedModule } from '../boundary/shipped-module.js';
import { ByteLru } from '../lib/byte-lru.js';
import type { LinkedModule } from './closure.js';
import { type Entry, recipeKey } from './entry.js';
import type { ModuleSession } from './module-session.js';

/** What the runner needs, or why the code cannot run. */
export type PreparedCode = {
  /** null: nothing was ever published. */
  generation: number | null;
} & (
  | {
      ok: true;
      entryUrl: string;
      modules: ShippedModule[];
      /** Answers what the runner asks later, from the same generation and within the same limits. Never rejects. */
      answer(request: ModuleRequest): Promise<ModuleReply>;
      /** What kept an answer from being found that is not the code's fault; null: nothing did. */
      readonly fault: Error | null;
    }
  | { ok: false; failure: ModuleFailure }
);

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

/** Code that can run. Most of it asks for nothing more, and needs no session. */
export class ReadyProgram implements Extract<PreparedCode, { ok: true }> {
  readonly ok = true;

  constructor(
    readonly generation: number | null,
    private readonly ready: ReadyModules,
    private session: ModuleSession | null,
    private readonly open: () => ModuleSession,
  ) {}

  get entryUrl(): string {
    return this.ready.entryUrl;
  }

  get modules(): ShippedModule[] {
    return this.ready.modules;
  }

  get fault(): Error | null {
    return this.session?.fault ?? null;
  }

  answer(request: ModuleRequest): Promise<ModuleReply> {
    if (this.session === null) {
      this.session = this.open();
      this.session.resume(this.ready.linked);
    }
    return this.session.answer(request);
  }
}
