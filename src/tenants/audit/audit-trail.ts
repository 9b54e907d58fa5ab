import { Inject, Injectable, Logger } from '@nestjs/common';
import type { AuditEntry } from '../../contract/tenants/access.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';

/** Entries that wait for the archive at most; without one, the latest that are kept. */
const MOST_WAITING = 100_000;

/** What is written of an entry: Redis gives it its id, and with that its time. */
export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at'>;

/** Id of an entry of the stream: Unix milliseconds and a number. */
const ID = /^\d{1,16}-\d{1,10}$/;

/** Whether this is the id of an entry. */
export const isAuditId = (text: string): boolean => ID.test(text);

/** Where the audit log is written, on its way to the archive: a stream of Redis. */
@Injectable()
export class AuditTrail {
  private readonly logger = new Logger('Audit');

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** Never rejects: what cannot be written is in the log of this process, with all that it says. */
  async write(entry: NewAuditEntry): Promise<void> {
    try {
      await this.redis.xadd(
        this.keys.audit(),
        'MAXLEN',
        '~',
        MOST_WAITING,
        '*',
        'entry',
        JSON.stringify(entry),
      );
    } catch (error) {
      this.logger.error({ msg: 'audit entry not written', entry, reason: (error as Error).message });
    }
  }

  /** The oldest that wait for the archive. */
  async oldest(count: number): Promise<AuditEntry[]> {
    return entriesOf(await this.redis.xrange(this.keys.audit(), '-', '+', 'COUNT', count));
  }

  /** The newest that wait for the archive. @param before id of the entry after which to go on */
  async newest(count: number, before: string | null): Promise<AuditEntry[]> {
    const from = before === null ? '+' : `(${before}`;
    return entriesOf(await this.redis.xrevrange(this.keys.audit(), from, '-', 'COUNT', count));
  }

  /** The archive has these. */
  async done(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.redis.xdel(this.keys.audit(), ...ids);
  }
}

/** When an entry was written, by its id. ISO 8601, UTC. */
export const timeOfAuditId = (id: string): string => new Date(Number(id.split('-')[0])).toISOString();

const entriesOf = (entries: readonly [id: string, fields: string[]][]): AuditEntry[] =>
  entries.map(([id, fields]) => ({
    id,
    at: timeOfAuditId(id),
    ...(JSON.parse(fields[1] ?? '{}') as NewAuditEntry),
  }));
