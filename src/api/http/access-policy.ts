import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpSettings } from '../../config/slices.js';
import { type Caller, FIRST_ADMIN, LOCAL_CALLER, READER } from '../../tenants/access/caller.js';
import { isValidAt, type StoredToken } from '../../tenants/tokens/token-store.js';
import { isToken, tokenIdIn } from '../../tenants/tokens/token-text.js';
import { ProblemException } from './problem.js';
import { CONSOLE_HEADER, type OpenSession, sessionIn } from './session-cookie.js';

/** What of a request decides whether it may pass. */
export interface AccessRequest {
  /** Pattern of the route that matched; undefined when none did. */
  route: string | undefined;
  host: string | undefined;
  authorization: string | undefined;
  contentType: string | undefined;
  /** It is a link that this API signed, and not over. */
  isLinked?: boolean;
  method: string;
  /** The Cookie header. */
  cookies: string | undefined;
  /** Whether a page of this origin sent it, as only the browser or such a page can say. */
  isOfOwnPage: boolean;
}

/** Whether the browser says so, or the page by a header that pages of other origins cannot send. */
export const isOfOwnPage = (headers: Readonly<Record<string, unknown>>): boolean =>
  headers['sec-fetch-site'] === 'same-origin' || headers[CONSOLE_HEADER] !== undefined;

type Access = Pick<HttpSettings, 'host' | 'token' | 'metricsAccess'>;

/** An orchestrator calls probes without a token and under any host name. Decided by the matched route, not by the spelling of the URL. */
export const isProbe = (route: string | undefined): boolean =>
  route === '/health/live' || route === '/health/ready';

/** The page of the console, its files, and the session: what a browser needs before it has a session. None holds data. */
export const isConsole = (route: string | undefined): boolean =>
  route !== undefined && /^\/($|session$|console($|\/))/.test(route);

/** The probes, and every other route that answers with the state of this process. */
export const isHealth = (route: string | undefined): boolean => route === '/health' || isProbe(route);

/** A page of the documentation, or what belongs to one. It is the same on every machine, so every client may read it. */
export const isDocumentation = (route: string | undefined): boolean =>
  route !== undefined && /^\/docs($|\/)/.test(route);

/** The documentation, and what programs read of the API. */
export const isDescription = (route: string): boolean => isDocumentation(route) || route === '/openapi.json';

type Credentials = Pick<AccessRequest, 'authorization' | 'cookies'>;

/** The id of the token that a request names, by itself or by its session; null: it names none, or API_TOKEN. */
export function namedTokenId(
  { authorization, cookies }: Credentials,
  apiToken: string | undefined,
): string | null {
  const bearer = bearerIn(authorization);
  if (bearer !== null) return tokenIdIn(bearer);
  if (authorization !== undefined || apiToken === undefined) return null;
  return sessionIn(cookies, apiToken, Date.now())?.tokenId ?? null;
}

/**
 * The caller of an API that runs code. Links to artifacts are good by themselves. Otherwise:
 * 1. With API_TOKEN: requests that carry it or another token, and those of a browser that carry the session which was
 *    begun with one. Cookies are sent whatever page causes a request, so one that changes something must be of our
 *    own page.
 * 2. Without, the API is bound to loopback, and every program of the machine may. A browser there is
 *    such a program, but the pages in it are not trusted. A page of another origin cannot send JSON
 *    without a preflight, which this API never answers, and content types that need none are refused here
 *    (Nest would parse HTML forms). A page that points its own name at 127.0.0.1 (DNS rebinding) is of
 *    the same origin and may send anything, but the name of its host is refused here.
 *
 * What the caller may do is decided later, by the rule of the route: access.guard.ts.
 * @param known what is kept of the token that {@link namedTokenId} finds; null: nothing
 * @returns null for a route that is open to all
 * @throws {ProblemException} 401, 403, 415, 421
 */
export function checkAccess(
  asked: AccessRequest,
  settings: Access,
  known: StoredToken | null = null,
): Caller | null {
  if (isProbe(asked.route)) return null;
  if (asked.isLinked) return READER;
  if (asked.route === '/metrics' && settings.metricsAccess === 'open') return READER;
  const caller = callerOfRequest(asked, settings, known);
  if (asked.contentType !== undefined && !/^application\/json\s*(;|$)/i.test(asked.contentType)) {
    const message = 'Send the body as content-type: application/json';
    throw new ProblemException('unsupported-media-type', message, { errors: [{ field: 'body', message }] });
  }
  return caller;
}

function callerOfRequest(
  asked: AccessRequest,
  { token, host }: Access,
  known: StoredToken | null,
): Caller | null {
  if (token !== undefined)
    return isConsole(asked.route) || isDocumentation(asked.route)
      ? null
      : callerByCredentials(asked, token, known);
  if (isLoopbackHost(host) && !isLoopbackHost(asked.host)) {
    throw new ProblemException(
      'misdirected-host',
      'Without API_TOKEN only requests to localhost are answered: use http://127.0.0.1, or set API_TOKEN',
    );
  }
  // A program that names a token means to have no more than that.
  const bearer = bearerIn(asked.authorization);
  return bearer !== null && tokenIdIn(bearer) !== null
    ? callerByToken(bearer, undefined, known)
    : LOCAL_CALLER;
}

function callerByCredentials(
  { authorization, cookies, method, isOfOwnPage }: AccessRequest,
  token: string,
  known: StoredToken | null,
): Caller {
  const session = authorization === undefined ? sessionIn(cookies, token, Date.now()) : null;
  if (session === null) return callerByToken(bearerIn(authorization), token, known);
  if (method !== 'GET' && method !== 'HEAD' && !isOfOwnPage) {
    throw new ProblemException(
      'foreign-origin',
      `A session alone changes nothing: send the header ${CONSOLE_HEADER} too, or the token instead`,
    );
  }
  return callerOfSession(session, known) ?? refuseToken('The token of this session was revoked or has ended');
}

/** Whose a session is; null: its token is not valid any more. */
export function callerOfSession({ tokenId }: OpenSession, known: StoredToken | null): Caller | null {
  if (tokenId === null) return FIRST_ADMIN;
  return known !== null && known.id === tokenId && isValidAt(known, Date.now()) ? callerOfToken(known) : null;
}

/**
 * Whose a token is.
 * @param given null: none
 * @param apiToken that of the settings; undefined: there is none
 * @throws {ProblemException} 401 for one that is not right, not any more, or missing.
 */
export function callerByToken(
  given: string | null,
  apiToken: string | undefined,
  known: StoredToken | null,
): Caller {
  if (given === null) return refuseToken('Send the header authorization: Bearer <API_TOKEN>');
  if (apiToken !== undefined && equalInConstantTime(given, apiToken)) return FIRST_ADMIN;
  if (known === null || !isToken(given, known.hash)) return refuseToken('The token is not the right one');
  if (isValidAt(known, Date.now())) return callerOfToken(known);
  return refuseToken(`The token has ended, at ${known.expires_at}`);
}

const callerOfToken = ({ id, name, role, organizations }: StoredToken): Caller => ({
  id,
  name,
  role,
  organizations,
});

const bearerIn = (authorization: string | undefined): string | null =>
  /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;

function refuseToken(why: string): never {
  throw new ProblemException('unauthorized', why, {
    headers: { 'www-authenticate': 'Bearer realm="bifrost"' },
  });
}

/** Hashes both first: equal lengths, as timingSafeEqual needs them, reveal nothing about the token's. */
function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** True for a host name or Host header that can only be this machine; the port does not matter. */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === '::1') return true;
  const name = /^(\[[^\]]+\]|[^:]+)(?::\d+)?$/
    .exec(host ?? '')?.[1]
    ?.toLowerCase()
    .replace(/\.$/, '');
  if (name === undefined) return false;
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}
