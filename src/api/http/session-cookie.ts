import { createHmac, timingSafeEqual } from 'node:crypto';

/** Name of the cookie that a browser has in the place of the token. */
export const SESSION_COOKIE = 'bifrost_session';
/** Header that only a page of this origin can send: another one would need a preflight, which is never answered. */
export const CONSOLE_HEADER = 'x-bifrost-console';
/** How long a session lasts without being renewed, in seconds. */
export const SESSION_SECONDS = 12 * 3_600;

const VALUE = /^(\d{1,12})\.(?:([\w-]{12})\.)?([\w-]{43})$/;

/** A session that is not over. */
export interface OpenSession {
  secondsLeft: number;
  /** The token that it was begun with; null: API_TOKEN. */
  tokenId: string | null;
}

/**
 * The value of a session's cookie: its end, the id of the token that it stands for unless that is API_TOKEN, and an
 * HMAC-SHA256 of both. The key is made of API_TOKEN, so every process with it takes the cookie, none has to remember
 * it, and another API_TOKEN ends all sessions. It does not reveal the token.
 * @param apiToken that of the settings
 */
export function sessionValue(apiToken: string, nowMs: number, tokenId: string | null = null): string {
  const endsAt = String(Math.floor(nowMs / 1_000) + SESSION_SECONDS);
  const said = tokenId === null ? endsAt : `${endsAt}.${tokenId}`;
  return `${said}.${signatureOf(said, apiToken).toString('base64url')}`;
}

/** The session that a Cookie header carries; null: it carries none that is valid. */
export function sessionIn(cookies: string | undefined, apiToken: string, nowMs: number): OpenSession | null {
  const [, endsAt, tokenId = null, signature] = VALUE.exec(valueIn(cookies)) ?? [];
  if (endsAt === undefined || signature === undefined) return null;
  const given = Buffer.from(signature, 'base64url');
  const right = signatureOf(tokenId === null ? endsAt : `${endsAt}.${tokenId}`, apiToken);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
  const secondsLeft = Number(endsAt) - Math.floor(nowMs / 1_000);
  return secondsLeft > 0 ? { secondsLeft, tokenId } : null;
}

/**
 * A Set-Cookie header that begins a session, or ends it where the value is empty (RFC 6265).
 * @param isSecure the browser came by HTTPS, and must not send the cookie by anything else
 */
export function setSessionCookie(value: string, isSecure: boolean): string {
  const age = value === '' ? 0 : SESSION_SECONDS;
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

function valueIn(cookies = ''): string {
  for (const cookie of cookies.split(';')) {
    const [name, value] = cookie.trim().split('=', 2);
    if (name === SESSION_COOKIE) return value ?? '';
  }
  return '';
}

const signatureOf = (text: string, token: string): Buffer =>
  createHmac('sha256', `bifrost console session\n${token}`).update(text).digest();
