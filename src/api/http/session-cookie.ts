import { createHmac, timingSafeEqual } from 'node:crypto';

/** Name of the cookie that a browser has in the place of the token. */
export const SESSION_COOKIE = 'bifrost_session';
/** Header that only a page of this origin can send: another one would need a preflight, which is never answered. */
export const CONSOLE_HEADER = 'x-bifrost-console';
/** How long a session lasts without being renewed, in seconds. */
export const SESSION_SECONDS = 12 * 3_600;

const VALUE = /^(\d{1,12})\.([\w-]{43})$/;

/**
 * The value of a session's cookie: its end and an HMAC-SHA256 of that. The key is made of the token, so every process
 * with this token takes it, none has to remember it, and another token ends all sessions. It does not reveal the token.
 */
export function sessionValue(token: string, nowMs: number): string {
  const endsAt = String(Math.floor(nowMs / 1_000) + SESSION_SECONDS);
  return `${endsAt}.${signatureOf(endsAt, token).toString('base64url')}`;
}

/** Seconds that are left of the session that a Cookie header carries; 0: it carries none that is valid. */
export function sessionSecondsLeft(cookies: string | undefined, token: string, nowMs: number): number {
  const [, endsAt, signature] = VALUE.exec(valueIn(cookies)) ?? [];
  if (endsAt === undefined || signature === undefined) return 0;
  const given = Buffer.from(signature, 'base64url');
  const right = signatureOf(endsAt, token);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return 0;
  return Math.max(0, Number(endsAt) - Math.floor(nowMs / 1_000));
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
