import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { sha256 } from '../../lib/sha256.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { LuaScript } from '../../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import type { Caller } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';

const KEPT_SECONDS = 86_400;
const HEADER = 'Idempotency-Key';

/** The header in the description of the API. */
export const IDEMPOTENCY_HEADER = {
  name: HEADER.toLowerCase(),
  required: false,
  description:
    'Of several requests with the same key and body within a day, one is carried out and all get the same answer',
};

/** What the first request of a key began. */
export interface Claim {
  /** Id of what it asked for. */
  id: string;
  fingerprint: string;
  /** It is on the queue; nothing is left to do. */
  isAccepted: boolean;
  /** This request was the first. */
  isNew: boolean;
}

/** KEYS claim; ARGV id, fingerprint, ttl in seconds -> {id, fingerprint, accepted or nil, 1 if it is new} */
const CLAIM = new LuaScript(`
local isNew = redis.call('HSETNX', KEYS[1], 'id', ARGV[1])
if isNew == 1 then
  redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
local known = redis.call('HMGET', KEYS[1], 'id', 'fingerprint', 'accepted')
return {known[1], known[2], known[3], isNew}
`);

/**
 * Remembers requests by their Idempotency-Key for a day: the first fixes the id, and every other of the same body asks
 * for the same. Until one of them was accepted, each does all of the work, which the id makes harmless, so that a
 * process that dies in between leaves nothing undone.
 */
@Injectable()
export class Idempotency {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** null: no request had this key. */
  async find(key: string): Promise<Claim | null> {
    const [id, fingerprint, accepted] = await this.redis.hmget(
      this.nameOf(key),
      'id',
      'fingerprint',
      'accepted',
    );
    return id == null
      ? null
      : { id, fingerprint: fingerprint ?? '', isAccepted: accepted === '1', isNew: false };
  }

  /** Fixes the id that this key stands for, unless a request has done so before. */
  async claim(key: string, fingerprint: string, id: string): Promise<Claim> {
    const args = [id, fingerprint, KEPT_SECONDS];
    const [claimed, known, accepted, isNew] = (await CLAIM.run(this.redis, [this.nameOf(key)], args)) as [
      string,
      string,
      string | null,
      number,
    ];
    return { id: claimed, fingerprint: known, isAccepted: accepted === '1', isNew: isNew === 1 };
  }

  async accept(key: string): Promise<void> {
    await this.redis.hset(this.nameOf(key), 'accepted', '1');
  }

  /** The key is not kept as it is: with it, the fingerprint could be guessed. */
  private nameOf(key: string): string {
    return this.keys.idempotency(sha256(key));
  }
}

/** What a request asks for, whatever the order of its fields. It can be computed with the key only. */
export const fingerprintOf = (key: string, kind: string, body: unknown): string =>
  createHmac('sha256', key)
    .update(`${kind}\n${JSON.stringify(sorted(body))}`)
    .digest('hex');

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, part]) => [name, sorted(part)]);
}

/**
 * The key of a request; undefined: it has none. Organizations choose theirs without knowing of each other, so that of
 * a caller for some of them is theirs alone. No header holds a line break.
 * @throws {ProblemException} 400
 */
export function idempotencyKey(
  header: string | undefined,
  { organizations }: Pick<Caller, 'organizations'>,
): string | undefined {
  if (header === undefined) return undefined;
  if (/^[\x21-\x7e]{1,255}$/.test(header))
    return organizations === null ? header : `${organizations.join(' ')}\n${header}`;
  const message = 'must have 1 to 255 visible ASCII characters';
  throw new ProblemException('invalid-request', `${HEADER}: ${message}`, {
    errors: [{ field: HEADER, message }],
  });
}

/** @throws {ProblemException} 409 where the key was sent with another body. */
export function refuseOtherBody(claim: Claim, fingerprint: string): void {
  if (claim.fingerprint === fingerprint) return;
  const message = `was sent with another body before, for ${claim.id}; choose another key`;
  throw new ProblemException('conflict', `${HEADER}: ${message}`, { errors: [{ field: HEADER, message }] });
}
