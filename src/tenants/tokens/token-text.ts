import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 96 bits, as text that needs no quotes anywhere. */
const ID_BYTES = 9;
const SECRET_BYTES = 32;
const TOKEN = /^bifrost_([\w-]{12})_([\w-]{43})$/;

/** A new token: its text, and what is kept of it. */
export interface NewToken {
  id: string;
  text: string;
  hash: string;
}

/**
 * `bifrost_ID_SECRET`: the id finds its record, and secret scanners know the beginning. The secret is 256 random bits,
 * so its SHA-256 is enough to keep: slow hashes protect secrets that can be guessed, and 2^256 cannot (NIST SP 800-63B
 * asks for salted slow hashes of memorized secrets only). A slow hash would cost every request milliseconds.
 */
export function newToken(): NewToken {
  const id = randomBytes(ID_BYTES).toString('base64url');
  const text = `bifrost_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, text, hash: hashOf(text) };
}

/** The id in a text that has the form of a token; null for every other text. */
export const tokenIdIn = (text: string): string | null => TOKEN.exec(text)?.[1] ?? null;

/** Whether a text is the token of which this hash is kept. Takes the same time for every text. */
export function isToken(text: string, hash: string): boolean {
  const [given, kept] = [Buffer.from(hashOf(text), 'hex'), Buffer.from(hash, 'hex')];
  return given.length === kept.length && timingSafeEqual(given, kept);
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
