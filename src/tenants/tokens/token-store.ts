import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ROLES, type TokenRequestFields } from '../../contract/tenants/access.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { newToken } from './token-text.js';

const storedTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  organizations: z.array(z.string()).min(1).nullable(),
  /** SHA-256 of its text, in hex. */
  hash: z.string(),
  created_at: z.string(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
});

/** A token as it is kept in the hash `bifrost:tokens`. */
export type StoredToken = z.infer<typeof storedTokenSchema>;

/** Whether it may still be used. */
export const isValidAt = ({ expires_at: end }: Pick<StoredToken, 'expires_at'>, nowMs: number): boolean =>
  end === null || Date.parse(end) > nowMs;

/** The tokens of the API in Redis. */
@Injectable()
export class TokenStore {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** By the time at which they were made. */
  async list(): Promise<StoredToken[]> {
    const all = await this.redis.hvals(this.keys.tokens());
    return all
      .flatMap((text) => readToken(text) ?? [])
      .toSorted((a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id));
  }

  /** null: there is none of this id, or none any more. */
  async find(id: string): Promise<StoredToken | null> {
    const text = await this.redis.hget(this.keys.tokens(), id);
    return text === null ? null : readToken(text);
  }

  /** @param createdBy name of the token that asks for it */
  async create(
    request: TokenRequestFields,
    createdBy: string,
  ): Promise<{ stored: StoredToken; text: string }> {
    const { id, text, hash } = newToken();
    const { name, role, organizations, expires_at: end } = request;
    const stored: StoredToken = {
      id,
      name,
      role,
      organizations: organizations ? [...new Set(organizations)].toSorted() : null,
      hash,
      created_at: new Date().toISOString(),
      created_by: createdBy,
      expires_at: end == null ? null : new Date(end).toISOString(),
    };
    await this.redis.hset(this.keys.tokens(), id, JSON.stringify(stored));
    return { stored, text };
  }

  /** Whether there was one. No process takes it from then on, at the latest after 5 s. */
  async revoke(id: string): Promise<boolean> {
    const removed = await this.redis.hdel(this.keys.tokens(), id);
    await this.redis.publish(this.keys.tokensChanged(), id);
    return removed > 0;
  }
}

/** What cannot be read is no token. */
function readToken(text: string): StoredToken | null {
  try {
    return storedTokenSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
