import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpSettings } from '../../config/slices.js';
import { ProblemException } from './problem.js';
import { CONSOLE_HEADER, sessionSecondsLeft } from './session-cookie.js';

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

/** The page that describes the API and what belongs to it, and the same for programs. */
export const isDescription = (route: string): boolean =>
  route.startsWith('/docs') || route === '/openapi.json';

/**
 * Access to an API that runs code. Links to artifacts are good by themselves. Otherwise:
 * 1. With API_TOKEN: requests that carry it, and those of a browser that carry the session which was begun with it.
 *    Cookies are sent whatever page causes a request, so one that changes something must be of our own page.
 * 2. Without, the API is bound to loopback, and every program of the machine may. A browser there is
 *    such a program, but the pages in it are not trusted. A page of another origin cannot send JSON
 *    without a preflight, which this API never answers, and content types that need none are refused here
 *    (Nest would parse HTML forms). A page that points its own name at 127.0.0.1 (DNS rebinding) is of
 *    our origin, but its requests name that host: only loopback names are answered.
 * @throws {ProblemException} saying why not.
 */
export function checkAccess(asked: AccessRequest, settings: Access): void {
  if (isProbe(asked.route) || asked.isLinked) return;
  if (asked.route === '/metrics' && settings.metricsAccess === 'open') return;
  if (settings.token !== undefined) {
    if (!isConsole(asked.route)) checkCredentials(asked, settings.token);
  } else if (isLoopbackHost(settings.host) && !isLoopbackHost(asked.host)) {
    throw new ProblemException(
      'misdirected-host',
      'Without API_TOKEN only requests to localhost are answered: use http://127.0.0.1, or set API_TOKEN',
    );
  }
  if (asked.contentType !== undefined && !/^application\/json\s*(;|$)/i.test(asked.contentType)) {
    const message = 'Send the body as content-type: application/json';
    throw new ProblemException('unsupported-media-type', message, { errors: [{ field: 'body', message }] });
  }
}

function checkCredentials(
  { authorization, cookies, method, isOfOwnPage }: AccessRequest,
  token: string,
): void {
  if (authorization !== undefined || sessionSecondsLeft(cookies, token, Date.now()) === 0) {
    requireToken(/^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1], token);
  } else if (method !== 'GET' && method !== 'HEAD' && !isOfOwnPage) {
    throw new ProblemException(
      'foreign-origin',
      `A session alone changes nothing: send the header ${CONSOLE_HEADER} too, or the token instead`,
    );
  }
}

/**
 * @param given undefined: none
 * @throws {ProblemException} 401 unless it is the token.
 */
export function requireToken(given: string | undefined, token: string): void {
  if (given !== undefined && equalInConstantTime(given, token)) return;
  throw new ProblemException(
    'unauthorized',
    given === undefined
      ? 'Send the header authorization: Bearer <API_TOKEN>'
      : 'The token is not the right one',
    { headers: { 'www-authenticate': 'Bearer realm="bifrost"' } },
  );
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
