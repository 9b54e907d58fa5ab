import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Service } from '../lib/service.js';
import { inBatches } from '../lib/in-batches.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import type { GenerationRecord } from '../contract/workspace.js';
import { WorkspaceStore } from './workspace.store.js';

/** Which generations stay. */
export interface Retention {
  /** Keep this many of the newest. */
  keep: number;
  /** Keep generations that are younger than this; longer than any publish takes. */
  minimumAgeMs: number;
  /** The same for temporary ones. */
  temporaryAgeMs: number;
  /** Keep a source that no generation names any more for this time. */
  blobGraceSeconds: number;
}

export const RETENTION: Readonly<Retention> = {
  keep: 20,
  minimumAgeMs: 24 * 3600_000,
  temporaryAgeMs: 3600_000,
  blobGraceSeconds: 24 * 3600,
};

const COMMANDS_AT_ONCE = 500;
const INTERVAL_MS = 3600_000;

/**
 * Removes old generations and the sources that no generation names any more. Safe beside publishers and
 * other janitors without a lock: a publisher first writes its map and then takes the time limit off
 * each source it names; the janitor first sets time limits and then looks again which maps there
 * are. Whichever comes last, the limits on named sources are off.
 */
@Injectable()
export class WorkspaceJanitor implements Service {
  private readonly logger = new Logger(WorkspaceJanitor.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RedisKeys) private readonly keys: RedisKeys,
    @Inject(WorkspaceStore) private readonly store: WorkspaceStore,
  ) {}

  /** Prunes from now on every hour; several workers may do so. */
  start(): void {
    this.timer ??= setInterval(() => void this.pruneAndReport(), INTERVAL_MS).unref();
  }

  /** Safe to call twice, and before {@link start}. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Returns the numbers of the generations it removed. */
  async prune(retention: Retention = RETENTION, now = Date.now()): Promise<number[]> {
    const records = await this.store.records();
    const removable = selectRemovable(
      records,
      await this.store.current(),
      await this.inUse(now),
      retention,
      now,
    );
    const gone = new Set(removable.map(({ generation }) => generation));
    const orphans = await this.named((generation) => gone.has(generation));
    for (const hash of await this.named((generation) => !gone.has(generation))) orphans.delete(hash);
    await inBatches(orphans, COMMANDS_AT_ONCE, (hash) =>
      this.redis.expire(this.keys.workspaceBlob(hash), retention.blobGraceSeconds),
    );
    // Last: a janitor that dies before leaves the records by which the next one finds the same orphans.
    for (const generation of gone) await this.remove(generation);
    await inBatches(await this.named(), COMMANDS_AT_ONCE, (hash) =>
      this.redis.persist(this.keys.workspaceBlob(hash)),
    );
    return [...gone].toSorted((a, b) => a - b);
  }

  private async inUse(now: number): Promise<Set<number>> {
    await this.redis.zremrangebyscore(this.keys.workspaceUses(), '-inf', `(${now}`);
    return new Set((await this.redis.zrange(this.keys.workspaceUses(), '0', '-1')).map(Number));
  }

  private async remove(generation: number): Promise<void> {
    // The record goes last: without it no janitor would find the map again.
    await this.redis.unlink(this.keys.workspaceGeneration(generation));
    await this.redis.hdel(this.keys.workspaceLog(), String(generation));
  }

  /** Sources that the chosen generations name; the current one counts also when others have published it. */
  private async named(chosen: (generation: number) => boolean = () => true): Promise<Set<string>> {
    const generations = new Set((await this.store.records()).map(({ generation }) => generation));
    const current = await this.store.current();
    if (current !== null) generations.add(current);
    const named = new Set<string>();
    for (const generation of generations) {
      if (!chosen(generation)) continue;
      for (const hash of (await this.store.paths(generation)).values()) named.add(hash);
    }
    return named;
  }

  private async pruneAndReport(): Promise<void> {
    try {
      const removed = await this.prune();
      if (removed.length > 0) this.logger.log(`removed workspace generations ${removed.join(', ')}`);
    } catch (error) {
      this.logger.warn(`old workspace generations could not be removed: ${(error as Error).message}`);
    }
  }
}

/** Decides what goes: not current, not in use, not among the newest, not too young. */
export function selectRemovable(
  records: readonly GenerationRecord[],
  current: number | null,
  inUse: ReadonlySet<number>,
  { keep, minimumAgeMs, temporaryAgeMs }: Retention,
  now: number,
): GenerationRecord[] {
  const newest = new Set(
    records
      .filter(({ published }) => published)
      .toSorted((a, b) => b.generation - a.generation)
      .slice(0, keep)
      .map(({ generation }) => generation),
  );
  return records.filter(
    ({ generation, created_at, temporary }) =>
      generation !== current &&
      !inUse.has(generation) &&
      !newest.has(generation) &&
      now - Date.parse(created_at ?? '1970-01-01') >= (temporary ? temporaryAgeMs : minimumAgeMs),
  );
}
