import { Inject, Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import {
  type PackageManifest,
  packageManifestSchema,
  type PackagesStatus,
  packagesStatusSchema,
} from '../contract/packages.js';
import { HEARTBEAT_TTL_MS } from '../contract/worker-record.js';
import { sha256 } from '../lib/sha256.js';
import { type RedisClient, untilReady } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS, PATIENT_REDIS } from '../redis/redis.module.js';
import { asText, RedisSubscription } from '../redis/redis-subscription.js';

/** What stands under the manifest's key. */
export type ManifestReading =
  | { kind: 'absent' }
  | { kind: 'unreadable'; reason: string }
  | { kind: 'manifest'; manifest: PackageManifest };

export interface ChangeSubscription {
  /** Safe to call twice. */
  stop(): void;
}

const CONNECT_WAIT_MS = 1_000;

/** The packages part of Redis: the manifest, its change channel, and what each worker says it has. */
@Injectable()
export class PackagesStore {
  constructor(
    @Inject(PATIENT_REDIS) private readonly patient: RedisClient,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** @throws {Error} when Redis does not answer within about two seconds */
  async readManifest(): Promise<ManifestReading> {
    await this.connected();
    const text = await this.redis.get(this.keys.requirements());
    if (text === null || text === '') return { kind: 'absent' };
    return parseReading(text);
  }

  /**
   * Stores a manifest and notifies all workers. What is in it is not judged here: see parseManifest.
   * @throws {Error} when Redis does not answer
   */
  async publishManifest(content: string): Promise<PackageManifest> {
    const manifest: PackageManifest = {
      content,
      hash: sha256(content),
    };
    await this.connected();
    await this.redis.set(this.keys.requirements(), JSON.stringify(manifest));
    await this.redis.publish(this.keys.requirementsChanged(), manifest.hash);
    return manifest;
  }

  /** Calls back whenever the manifest may have changed: on a message, and after each (re)connection. */
  watchChanges(onChange: () => void): ChangeSubscription {
    const subscription = new RedisSubscription(this.patient, new Logger('Packages'), {
      name: 'change of the package manifest',
      channels: [this.keys.requirementsChanged()],
      decode: asText,
      receive: onChange,
      onOpen: onChange,
      refusal: 'changes of the package manifest are found by looking every 10 seconds only',
    });
    void subscription.start().then(onChange);
    return { stop: () => subscription.stop() };
  }

  /** Says what this worker has; believed as long as a heartbeat. */
  async writeStatus(workerId: string, status: PackagesStatus): Promise<void> {
    await this.redis.set(this.keys.workerPackages(workerId), JSON.stringify(status), 'PX', HEARTBEAT_TTL_MS);
  }

  async removeStatus(workerId: string): Promise<void> {
    await this.redis.del(this.keys.workerPackages(workerId));
  }

  /** The statuses of these workers; one that has none, or whose status has expired, is left out. */
  async listStatuses(workerIds: readonly string[]): Promise<{ worker_id: string; status: PackagesStatus }[]> {
    await this.connected();
    // One GET each: on Cluster the keys are in different slots.
    const texts = await Promise.all(workerIds.map((id) => this.redis.get(this.keys.workerPackages(id))));
    return workerIds.flatMap((id, at) => {
      const text = texts[at];
      if (text == null) return [];
      const status = packagesStatusSchema.safeParse(parseJson(text));
      return status.success ? [{ worker_id: id, status: status.data }] : [];
    });
  }

  /** Ids of the workers whose heartbeat is fresh. */
  async listWorkers(): Promise<string[]> {
    await this.connected();
    return await this.redis.zrangebyscore(this.keys.workers(), Date.now() - HEARTBEAT_TTL_MS, '+inf');
  }

  /** The impatient connection refuses commands while it is only being made, which at a start is no fault. */
  private async connected(): Promise<void> {
    await untilReady(this.redis, CONNECT_WAIT_MS).catch(() => {
      throw new Error('Redis cannot be reached');
    });
  }
}

function parseReading(text: string): ManifestReading {
  const json = parseJson(text);
  if (json === undefined) {
    return { kind: 'unreadable', reason: 'is not JSON; expected {"content": string, "hash": string}' };
  }
  const parsed = packageManifestSchema.safeParse(json);
  if (!parsed.success) return { kind: 'unreadable', reason: z.prettifyError(parsed.error) };
  return readingOf(parsed.data);
}

/** A manifest without content asks for as little as none. */
export const readingOf = (manifest: PackageManifest): ManifestReading =>
  manifest.content.trim() === '' ? { kind: 'absent' } : { kind: 'manifest', manifest };

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
