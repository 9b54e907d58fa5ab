import { Inject, Injectable } from '@nestjs/common';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { batches, inBatches } from '../lib/in-batches.js';
import { sha256OfLarge } from '../lib/sha256.js';
import type { CompiledModule } from '../compile/compiled-module.js';
import type { GenerationDiff, GenerationRecord } from '../contract/workspace.js';
import { diffPaths, GenerationNotFound } from './generation.js';

const FIELDS_AT_ONCE = 1_000;
const BLOBS_AT_ONCE = 256;
const COMPILED_TTL_SECONDS = 7 * 24 * 3600;

/**
 * Reads the workspace from Redis. Every command names one key, so that all of it works on Cluster;
 * commands of a batch are sent together without waiting for one another.
 */
@Injectable()
export class WorkspaceStore {
  /** It has no generations: what it has may change between any two questions. */
  readonly isLive: boolean = false;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RedisKeys) private readonly keys: RedisKeys,
  ) {}

  /** Number of the current generation; null while nothing was ever published. */
  async current(): Promise<number | null> {
    const text = await this.redis.get(this.keys.workspaceCurrent());
    return text === null ? null : Number(text);
  }

  async exists(generation: number): Promise<boolean> {
    return (await this.redis.exists(this.keys.workspaceGeneration(generation))) === 1;
  }

  /** SHA-256 of each path in a generation, null where it has none; in the order of `paths`. */
  async hashes(generation: number, paths: readonly string[]): Promise<(string | null)[]> {
    const key = this.keys.workspaceGeneration(generation);
    const replies = await Promise.all(
      [...batches(paths, FIELDS_AT_ONCE)].map((batch) => this.redis.hmget(key, ...batch)),
    );
    return replies.flat();
  }

  /** Every path of a generation with its SHA-256. Large: for tools and error messages, not for executions. */
  async paths(generation: number): Promise<Map<string, string>> {
    const fields = await this.redis.hgetall(this.keys.workspaceGeneration(generation));
    return new Map(Object.entries(fields));
  }

  /** {@link paths}, and an error where an empty answer would hide that there is no such generation. */
  async pathsOf(generation: number): Promise<Map<string, string>> {
    const paths = await this.paths(generation);
    if (paths.size === 0 && !(await this.record(generation))) throw new GenerationNotFound(generation);
    return paths;
  }

  /**
   * Sources by SHA-256, in the order asked for.
   * @throws {Error} when Redis has lost one or holds another text under that name.
   */
  async blobs(hashes: readonly string[]): Promise<string[]> {
    return inBatches(hashes, BLOBS_AT_ONCE, async (hash) => {
      const text = await this.redis.get(this.keys.workspaceBlob(hash));
      if (text === null) throw new Error(`Redis has lost ${this.keys.workspaceBlob(hash)}: publish again`);
      if ((await sha256OfLarge(text)) !== hash)
        throw new Error(`${this.keys.workspaceBlob(hash)} holds another text than its name says`);
      return text;
    });
  }

  /** Sources of modules, in the order asked for; errors as of {@link blobs}. */
  sources(refs: readonly { path: string; hash: string }[]): Promise<string[]> {
    return this.blobs(refs.map(({ hash }) => hash));
  }

  /** Which of these sources Redis does not have, each once. */
  async lacking(hashes: Iterable<string>): Promise<string[]> {
    const wanted = [...new Set(hashes)];
    const present = await inBatches(wanted, BLOBS_AT_ONCE, (hash) =>
      this.redis.exists(this.keys.workspaceBlob(hash)),
    );
    return wanted.filter((_, index) => present[index] !== 1);
  }

  /** Source of one module of a generation; null when it has no such path. */
  async readFile(generation: number, path: string): Promise<string | null> {
    const [hash] = await this.hashes(generation, [path]);
    return hash ? ((await this.blobs([hash]))[0] as string) : null;
  }

  async diff(from: number, to: number): Promise<GenerationDiff> {
    const [before, after] = await Promise.all([this.pathsOf(from), this.pathsOf(to)]);
    return diffPaths(before, after);
  }

  /** What is known of one generation. */
  async record(generation: number): Promise<GenerationRecord | null> {
    const text = await this.redis.hget(this.keys.workspaceLog(), String(generation));
    return text === null ? null : (JSON.parse(text) as GenerationRecord);
  }

  /** Records of all generations that still exist, the newest first, those in the making included. */
  async records(): Promise<GenerationRecord[]> {
    const texts = await this.redis.hvals(this.keys.workspaceLog());
    return texts
      .map((text) => JSON.parse(text) as GenerationRecord)
      .toSorted((a, b) => b.generation - a.generation);
  }

  /** Published generations that can be read and rolled back to, the newest first. */
  async list(limit = 50): Promise<GenerationRecord[]> {
    const [records, current] = await Promise.all([this.records(), this.current()]);
    const published = records.filter(({ published, generation }) => published || generation === current);
    if (current !== null && !published.some(({ generation }) => generation === current)) {
      published.unshift(await this.foreignRecord(current));
    }
    return published.slice(0, limit);
  }

  /** Keeps a generation from being removed until then, in Unix milliseconds; never shortens. */
  async holdUntil(generation: number, untilMs: number): Promise<void> {
    await this.redis.zadd(this.keys.workspaceUses(), 'GT', untilMs, String(generation));
  }

  /** Compiled code that some worker has shared, by {@link Compiler.key}; null where there is none. */
  async compiled(keys: readonly string[]): Promise<(CompiledModule | null)[]> {
    return inBatches(keys, BLOBS_AT_ONCE, async (key) => {
      const text = await this.redis.get(this.keys.workspaceCompiled(key));
      return text === null ? null : (JSON.parse(text) as CompiledModule);
    });
  }

  async shareCompiled(key: string, compiled: CompiledModule): Promise<void> {
    const text = JSON.stringify(compiled);
    await this.redis.set(this.keys.workspaceCompiled(key), text, 'EX', COMPILED_TTL_SECONDS);
  }

  /** For a generation that was not published by us. */
  async foreignRecord(generation: number): Promise<GenerationRecord> {
    const files = await this.redis.hlen(this.keys.workspaceGeneration(generation));
    return {
      generation,
      parent: null,
      message: null,
      author: null,
      created_at: null,
      files,
      added: files,
      changed: 0,
      removed: 0,
      published: true,
    };
  }
}
