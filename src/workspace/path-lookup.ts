import type { WorkspaceStore } from './workspace.store.js';

/** Which paths one generation has; remembers what it was asked, so that an execution asks once. */
export class PathLookup {
  private readonly known = new Map<string, string | null>();
  private readonly consulted = new Map<string, string | null>();

  constructor(
    private readonly store: Pick<WorkspaceStore, 'hashes'>,
    /** null: nothing was ever published, no path exists. */
    readonly generation: number | null,
  ) {}

  /** Asks Redis for what is not known yet, all at once. */
  async learn(paths: Iterable<string>): Promise<void> {
    const unknown = [...new Set(paths)].filter((path) => !this.known.has(path));
    if (unknown.length === 0) return;
    const hashes = this.generation === null ? [] : await this.store.hashes(this.generation, unknown);
    for (const [index, path] of unknown.entries()) this.known.set(path, hashes[index] ?? null);
  }

  /** Takes over what an earlier execution has learned of the same generation. */
  recall(paths: readonly string[], hashes: readonly (string | null)[]): void {
    for (const [index, path] of paths.entries()) this.known.set(path, hashes[index] ?? null);
  }

  /** SHA-256, or null; the path must have been learned. */
  hash(path: string): string | null {
    return this.known.get(path) ?? null;
  }

  has = (path: string): boolean => {
    const hash = this.hash(path);
    this.consulted.set(path, hash);
    return hash !== null;
  };

  /** What {@link has} was asked about: all that decided where imports lead, and less than what was learned. */
  decisive(): ReadonlyMap<string, string | null> {
    return this.consulted;
  }
}
