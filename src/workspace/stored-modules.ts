import { Injectable } from '@nestjs/common';
import { storedModuleSchema } from '../contract/clients/engine.js';
import { ByteLru } from '../lib/byte-lru.js';
import { inBatches } from '../lib/in-batches.js';
import { sha256OfLarge } from '../lib/sha256.js';
import type { RedisClient } from '../redis/connections.js';
import type { RedisKeys } from '../redis/keys.js';
import { ModuleError } from './module-failure.js';
import type { ModuleRef } from './module-source.js';
import { WorkspaceStore } from './workspace.store.js';

const KEYS_AT_ONCE = 256;
/** Sources between the moment at which an execution learns that they exist and the moment at which it needs them. */
const SOURCES_BYTES = 64 * 1024 * 1024;

/**
 * With WORKSPACE_SOURCE=modules: the workspace is what another program keeps in `bifrost:module:{path}`. It is
 * only read. It has no generations: an execution gets each module as it is when it asks for it first.
 */
@Injectable()
export class StoredModules extends WorkspaceStore {
  override readonly isLive = true;
  private readonly sourcesByHash = new ByteLru<string>(SOURCES_BYTES);

  constructor(
    private readonly client: RedisClient,
    private readonly names: RedisKeys,
  ) {
    super(client, names);
  }

  override current(): Promise<number | null> {
    return Promise.resolve(null);
  }

  /** @throws {ModuleError} naming a key that holds no module */
  override hashes(_generation: number, paths: readonly string[]): Promise<(string | null)[]> {
    return inBatches(paths, KEYS_AT_ONCE, async (path) => {
      const source = await this.read(path);
      return source === null ? null : await this.keep(source);
    });
  }

  /** Only the names, for error messages: their hashes are not known. */
  override async paths(): Promise<Map<string, string>> {
    return new Map((await this.client.smembers(this.names.storedModules())).map((path) => [path, '']));
  }

  /** @throws {Error} when a module was changed or removed since its hash was asked for: a fresh start finds the new one */
  override sources(refs: readonly ModuleRef[]): Promise<string[]> {
    return inBatches(refs, KEYS_AT_ONCE, async ({ path, hash }) => {
      const kept = this.sourcesByHash.get(hash);
      if (kept !== undefined) return kept;
      const source = await this.read(path);
      if (source !== null && (await this.keep(source)) === hash) return source;
      throw new Error(`${this.names.storedModule(path)} was changed while an execution was loading it`);
    });
  }

  private async keep(source: string): Promise<string> {
    const hash = await sha256OfLarge(source);
    this.sourcesByHash.set(hash, source, 2 * source.length);
    return hash;
  }

  private async read(path: string): Promise<string | null> {
    const key = this.names.storedModule(path);
    const text = await this.client.get(key);
    if (text === null) return null;
    const parsed = storedModuleSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data.content;
    const [issue] = parsed.error.issues;
    const why = issue ? `${issue.path.join('.') || 'document'}: ${issue.message}` : 'it is no module';
    throw new ModuleError('MODULE_NOT_FOUND', `${key} cannot be read as a module: ${why}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
