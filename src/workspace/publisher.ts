import { Inject, Injectable } from '@nestjs/common';
import type { GenerationRecord } from '../contract/workspace.js';
import { batches, inBatches } from '../lib/in-batches.js';
import { sha256 } from '../lib/sha256.js';
import { type RedisClient, untilReady } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { LuaScript } from '../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import {
  diffPaths,
  type PathMap,
  PublishConflict,
  PublishInterrupted,
  WorkspaceInputError,
} from './generation.js';
import { checkFiles, refusalOfSource } from './publish-input.js';
import { WorkspaceStore } from './workspace.store.js';

/** How to publish. */
export interface PublishOptions {
  /** The generation that the caller has seen as current; null: none yet. Default: whatever is current at the start. */
  expected?: number | null;
  message?: string;
  author?: string;
  /** Make a generation for executions that name it, which never becomes current and is removed after an hour. */
  temporary?: boolean;
  /** Called after each batch of uploads. */
  onProgress?: (uploaded: number, total: number) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Long enough for the slowest upload. */
const STORED_SECONDS = 24 * 3600;
const COMMANDS_AT_ONCE = 256;
const BATCH_BYTES = 1024 * 1024;

// One key: works on Cluster. "" stands for "no generation yet".
const SWITCH = new LuaScript(`
local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return now end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[2])
return false
`);

// PERSIST alone does not say whether the key exists.
const KEEP = new LuaScript(`redis.call('PERSIST', KEYS[1]) return redis.call('EXISTS', KEYS[1])`);

/**
 * Makes generations. Steps, each harmless when it is the last one that happens:
 *
 * 1. take a number that no generation has, and note it in the log as "not published"
 * 2. write the map path -> hash under that number
 * 3. upload the sources that Redis lacks, in batches
 * 4. switch: compare the pointer with what was expected and set it, in one step
 *
 * The connection gives up at once when Redis goes away: a switch that was sent again after a restart
 * could point to sources that the restart has lost.
 */
@Injectable()
export class Publisher {
  /** Its own, since the shared one would wait for Redis to come back. */
  private readonly store: WorkspaceStore;

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RedisKeys) private readonly keys: RedisKeys,
  ) {
    this.store = new WorkspaceStore(redis, keys);
  }

  /**
   * Publishes a whole workspace: what is not in `files` is not in the new generation.
   * @param files path -> source; paths are normalized
   * @throws {WorkspaceInputError} naming every file that cannot be published
   * @throws {PublishConflict} when another generation than `expected` is current; nothing was switched
   */
  async publish(files: ReadonlyMap<string, string>, options: PublishOptions = {}): Promise<GenerationRecord> {
    const sources = checkFiles(files);
    const map = new Map([...sources].map(([path, source]) => [path, sha256(source)]));
    const byHash = new Map([...sources].map(([path, source]) => [map.get(path) as string, source]));
    return this.publishMap(map, byHash, options);
  }

  /**
   * Publishes the map of an earlier generation again, under a new number.
   * @throws {GenerationNotFound} when it has been removed
   */
  async rollback(to: number, options: PublishOptions = {}): Promise<GenerationRecord> {
    const map = await this.store.pathsOf(to);
    return this.publishMap(map, new Map(), { message: `Roll back to generation ${to}`, ...options });
  }

  /** Which of these sources Redis does not have: all that a client needs to send. */
  async missing(hashes: Iterable<string>): Promise<string[]> {
    const wanted = [...new Set(hashes)];
    const present = await inBatches(wanted, COMMANDS_AT_ONCE, (hash) =>
      KEEP.run(this.redis, [this.keys.workspaceBlob(hash)], []),
    );
    return wanted.filter((_, index) => present[index] !== 1);
  }

  /**
   * Puts sources into Redis for a publish that comes soon; without one they are gone after a day.
   * @throws {WorkspaceInputError} naming the position of each text that no module may have
   * @throws {PublishInterrupted} when Redis is away
   */
  async keepSources(sources: readonly string[]): Promise<string[]> {
    const problems = sources.flatMap((source, index) => {
      const message = refusalOfSource(source);
      return message ? [{ path: `sources.${index}`, message }] : [];
    });
    if (problems.length > 0) throw new WorkspaceInputError(problems);
    await this.untilConnected();
    const keep = async (source: string): Promise<string> => {
      const hash = sha256(source);
      // Not over what is there: that may be in use and have no time limit.
      await this.redis.set(this.keys.workspaceBlob(hash), source, 'EX', STORED_SECONDS, 'NX');
      return hash;
    };
    // Each command has a time limit, which those before it on the way use up as well.
    return inBatches(sources, COMMANDS_AT_ONCE, keep, BATCH_BYTES, ({ length }) => length);
  }

  /** {@link publish} for a caller that knows hashes; `sources` by hash must hold what Redis lacks. */
  async publishMap(
    map: PathMap,
    sources: ReadonlyMap<string, string>,
    options: PublishOptions = {},
  ): Promise<GenerationRecord> {
    await this.untilConnected();
    const connection = this.watchConnection();
    try {
      const expected = options.expected === undefined ? await this.store.current() : options.expected;
      await this.checkCurrent(expected);
      const record = await this.prepare(map, expected, options);
      try {
        await this.writeMap(record.generation, map);
        await this.upload(map, sources, options.onProgress);
        connection.check();
        if (options.temporary) return record;
        await this.switchTo(record.generation, expected);
      } catch (error) {
        // When this fails too, the janitor removes the rest.
        await this.discard(record.generation).catch(() => undefined);
        throw error;
      }
      return await this.note({ ...record, published: true });
    } finally {
      connection.stop();
    }
  }

  private async prepare(
    map: PathMap,
    parent: number | null,
    options: PublishOptions,
  ): Promise<GenerationRecord> {
    if (parent !== null && !(await this.store.record(parent))?.published) {
      await this.note({
        ...(await this.store.foreignRecord(parent)),
        ...(await this.store.record(parent)),
        published: true,
      });
    }
    const before = parent === null ? new Map<string, string>() : await this.store.paths(parent);
    const diff = diffPaths(before, map);
    return this.note({
      generation: await this.nextNumber(parent),
      parent,
      message: options.message ?? null,
      author: options.author ?? null,
      created_at: new Date().toISOString(),
      files: map.size,
      added: diff.added.length,
      changed: diff.changed.length,
      removed: diff.removed.length,
      published: false,
      ...(options.temporary ? { temporary: true } : {}),
    });
  }

  /** Never a number that was used, even after another program has published without our counter. */
  private async nextNumber(current: number | null): Promise<number> {
    for (;;) {
      const next = await this.redis.incr(this.keys.workspaceSequence());
      if (next <= (current ?? 0)) {
        await this.redis.incrby(this.keys.workspaceSequence(), (current ?? 0) - next);
      } else if (!(await this.store.exists(next))) {
        return next;
      }
    }
  }

  private async writeMap(generation: number, map: PathMap): Promise<void> {
    for (const batch of batches(map, COMMANDS_AT_ONCE)) {
      await this.redis.hset(this.keys.workspaceGeneration(generation), ...batch.flat());
    }
  }

  private async upload(
    map: PathMap,
    sources: ReadonlyMap<string, string>,
    onProgress?: (uploaded: number, total: number) => void,
  ): Promise<void> {
    const missing = await this.missing(map.values());
    const unknown = new Set(missing.filter((hash) => !sources.has(hash)));
    if (unknown.size > 0) {
      const paths = [...map].filter(([, hash]) => unknown.has(hash));
      throw new WorkspaceInputError(
        paths.map(([path]) => ({ path, message: 'its source is not in Redis: send it' })),
      );
    }
    const bytesOf = (hash: string): number => (sources.get(hash) as string).length;
    let uploaded = 0;
    for (const batch of batches(missing, COMMANDS_AT_ONCE, BATCH_BYTES, bytesOf)) {
      await Promise.all(
        batch.map((hash) => this.redis.set(this.keys.workspaceBlob(hash), sources.get(hash) as string)),
      );
      uploaded += batch.length;
      onProgress?.(uploaded, missing.length);
    }
  }

  private async switchTo(generation: number, expected: number | null): Promise<void> {
    const refused = await SWITCH.run(
      this.redis,
      [this.keys.workspaceCurrent()],
      [expected ?? '', generation, this.keys.workspaceChanged()],
    );
    if (refused !== null) throw new PublishConflict(expected, refused === '' ? null : Number(refused));
  }

  private async checkCurrent(expected: number | null): Promise<void> {
    const actual = await this.store.current();
    if (actual !== expected) throw new PublishConflict(expected, actual);
  }

  private async note(record: GenerationRecord): Promise<GenerationRecord> {
    await this.redis.hset(this.keys.workspaceLog(), String(record.generation), JSON.stringify(record));
    return record;
  }

  private async discard(generation: number): Promise<void> {
    // A switch whose answer was lost may have happened.
    if ((await this.store.current()) === generation) return;
    await this.redis.del(this.keys.workspaceGeneration(generation));
    await this.redis.hdel(this.keys.workspaceLog(), String(generation));
  }

  /** This connection refuses commands while it is being made, at the start or after an outage. */
  private async untilConnected(): Promise<void> {
    await untilReady(this.redis, CONNECT_TIMEOUT_MS).catch(() => {
      throw new PublishInterrupted('Redis cannot be reached. Nothing was published: try again');
    });
  }

  /** `check` throws when the connection was lost at any time since. */
  private watchConnection(): { check(): void; stop(): void } {
    let lost = false;
    const onLost = (): void => {
      lost = true;
    };
    for (const event of ['close', '-node']) this.redis.on(event, onLost);
    return {
      check: () => {
        if (!lost) return;
        throw new PublishInterrupted('The connection to Redis was lost. Nothing was switched: publish again');
      },
      stop: () => {
        for (const event of ['close', '-node']) this.redis.off(event, onLost);
      },
    };
  }
}
