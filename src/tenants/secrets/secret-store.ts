import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type SecretSettings, secretSettings } from '../../config/slices.js';
import type { SecretKey } from '../../config/secret-keys.js';
import {
  type RotatedSecrets,
  type SealedSecret,
  sealedSecretSchema,
  type Secret,
} from '../../contract/tenants/secret.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { LuaScript } from '../../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { seal, type SecretPlace, SealError, unseal } from './secret-cipher.js';

/** There is no key to encrypt with. */
export class NoSecretsKeyError extends Error {
  override message = 'SECRETS_KEY is not set in this process: secrets cannot be kept without a key';
}

/** KEYS secrets; ARGV name, the record that it must still have, the new one -> 1 when it was replaced */
const REPLACE = new LuaScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`);

/** Keeps secrets of organizations, encrypted. What was kept is read by workers only: secret-reader.ts. */
@Injectable()
export class SecretStore {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(secretSettings) private readonly settings: SecretSettings,
  ) {}

  /** Those of an organization, by name. */
  async list(organization: string): Promise<Secret[]> {
    const records = await this.redis.hgetall(this.keys.secretsOf(organization));
    return Object.entries(records)
      .flatMap(([name, text]) => {
        const sealed = readSealed(text);
        return sealed ? [viewOf({ organization, name }, sealed)] : [];
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Sets a secret, or another value of it; executions that begin from now on get that. @throws {NoSecretsKeyError} */
  async set(place: SecretPlace, value: string): Promise<Secret> {
    const { organization, name } = place;
    const key = this.currentKey();
    const known = await this.redis.hget(this.keys.secretsOf(organization), name);
    const now = new Date().toISOString();
    const createdAt = (known === null ? null : readSealed(known)?.created_at) ?? now;
    const sealed: SealedSecret = { ...seal(key, place, value), created_at: createdAt, updated_at: now };
    // The index first: what is not in it, no rotation would find.
    await this.redis.sadd(this.keys.secretOwners(), organization);
    await this.redis.hset(this.keys.secretsOf(organization), name, JSON.stringify(sealed));
    return viewOf(place, sealed);
  }

  /** Whether there was one. */
  async remove({ organization, name }: SecretPlace): Promise<boolean> {
    return (await this.redis.hdel(this.keys.secretsOf(organization), name)) > 0;
  }

  /**
   * Encrypts every secret with the first key of SECRETS_KEY. One that is set meanwhile stays as it was set; executions
   * find each at any time, as long as workers have both keys.
   * @throws {NoSecretsKeyError}
   */
  async rotate(): Promise<RotatedSecrets> {
    const key = this.currentKey();
    const done: RotatedSecrets = { key_id: key.id, rotated: 0, unchanged: 0, unreadable: [] };
    for (const organization of (await this.redis.smembers(this.keys.secretOwners())).toSorted()) {
      const records = await this.redis.hgetall(this.keys.secretsOf(organization));
      for (const name of Object.keys(records)) await this.rotateOne({ organization, name }, key, done);
    }
    return done;
  }

  private async rotateOne(place: SecretPlace, key: SecretKey, done: RotatedSecrets): Promise<void> {
    const at = this.keys.secretsOf(place.organization);
    for (;;) {
      const text = await this.redis.hget(at, place.name);
      if (text === null) return;
      const sealed = readSealed(text);
      if (sealed?.key_id === key.id) return void done.unchanged++;
      try {
        if (!sealed) throw new SealError('its record cannot be read');
        const anew = { ...sealed, ...seal(key, place, unseal(this.settings.keys, place, sealed)) };
        const replaced = await REPLACE.run(this.redis, [at], [place.name, text, JSON.stringify(anew)]);
        if (replaced === 1) return void done.rotated++;
      } catch (error) {
        if (!(error instanceof SealError)) throw error;
        return void done.unreadable.push({ ...place, key_id: sealed?.key_id ?? '' });
      }
    }
  }

  private currentKey(): SecretKey {
    const [key] = this.settings.keys;
    if (!key) throw new NoSecretsKeyError();
    return key;
  }
}

/** null: this is no record of a secret. */
export function readSealed(text: string): SealedSecret | null {
  try {
    return sealedSecretSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

const viewOf = (
  { organization, name }: SecretPlace,
  { key_id, created_at, updated_at }: SealedSecret,
): Secret => ({ organization, name, key_id, created_at, updated_at });
