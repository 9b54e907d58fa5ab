import { describe, expect, it } from '@jest/globals';
import { type AccessRequest, checkAccess, isLoopbackHost, isOfOwnPage } from './access-policy.js';
import { ProblemException } from './problem.js';
import { SESSION_SECONDS, sessionIn, sessionValue, setSessionCookie } from './session-cookie.js';

const TOKEN = 'a-token-of-some-length';
const asked = (changes: Partial<AccessRequest> = {}): AccessRequest => ({
  route: '/tasks',
  host: '127.0.0.1:3000',
  authorization: undefined,
  contentType: undefined,
  method: 'GET',
  cookies: undefined,
  isOfOwnPage: false,
  ...changes,
});

/** Status and headers of the refusal, or null when the request may pass. */
function refusal(
  changes: Partial<AccessRequest>,
  token?: string,
  host = '127.0.0.1',
  metrics: 'token' | 'open' = 'token',
) {
  try {
    checkAccess(asked(changes), { host, token, metricsAccess: metrics });
    return null;
  } catch (error) {
    if (!(error instanceof ProblemException)) throw error;
    return { status: error.getStatus(), headers: error.headers, errors: error.errors };
  }
}

describe('with a token', () => {
  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `Bearer  ${TOKEN} `])('lets %j in', (authorization) => {
    expect(refusal({ authorization }, TOKEN)).toBeNull();
  });

  it.each([
    undefined,
    '',
    TOKEN,
    'Bearer',
    `Basic ${TOKEN}`,
    'Bearer x',
    `Bearer ${TOKEN}1`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN.slice(1)}`,
  ])('refuses %j with 401 and says how to ask', (authorization) => {
    expect(refusal({ authorization }, TOKEN)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="bifrost"' },
    });
  });

  it('needs no token for a probe, and needs one for what merely looks like a probe', () => {
    expect(refusal({ route: '/health/live' }, TOKEN)).toBeNull();
    expect(refusal({ route: '/health/ready' }, TOKEN)).toBeNull();
    for (const route of ['/health', '/healthy', '/health/other'])
      expect(refusal({ route }, TOKEN)).toMatchObject({ status: 401 });
    expect(refusal({ route: undefined }, TOKEN)).toMatchObject({ status: 401 });
  });

  it('needs a token for metrics, unless they are open', () => {
    expect(refusal({ route: '/metrics' }, TOKEN)).toMatchObject({ status: 401 });
    expect(refusal({ route: '/metrics' }, TOKEN, '127.0.0.1', 'open')).toBeNull();
    expect(refusal({ route: '/tasks' }, TOKEN, '127.0.0.1', 'open')).toMatchObject({ status: 401 });
  });

  it('does not care for the host name', () => {
    expect(
      refusal({ host: 'worker.example', authorization: `Bearer ${TOKEN}` }, TOKEN, '0.0.0.0'),
    ).toBeNull();
  });
});

describe('with the session of a browser', () => {
  const cookies = `a=1; bifrost_session=${sessionValue(TOKEN, Date.now())}`;

  it('lets it read, and change something from our own page only', () => {
    expect(refusal({ cookies }, TOKEN)).toBeNull();
    expect(refusal({ cookies, method: 'HEAD' }, TOKEN)).toBeNull();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(refusal({ cookies, method }, TOKEN)).toMatchObject({ status: 403 });
      expect(refusal({ cookies, method, isOfOwnPage: true }, TOKEN)).toBeNull();
    }
  });

  it('takes what the browser says of the page, or a header that others cannot send', () => {
    expect(isOfOwnPage({ 'sec-fetch-site': 'same-origin' })).toBe(true);
    expect(isOfOwnPage({ 'x-bifrost-console': '1' })).toBe(true);
    for (const site of ['same-site', 'cross-site', 'none', undefined])
      expect(isOfOwnPage({ 'sec-fetch-site': site })).toBe(false);
  });

  it('refuses one of another token, one that is over, and one that was changed', () => {
    const now = Date.now();
    const values = [
      sessionValue('another-token-of-some-length', now),
      sessionValue(TOKEN, now - SESSION_SECONDS * 1_000 - 1_000),
      sessionValue(TOKEN, now).replace(/^\d/, '9'),
      sessionValue(TOKEN, now).slice(0, -1),
      TOKEN,
      '',
    ];
    for (const value of values)
      expect(refusal({ cookies: `bifrost_session=${value}`, isOfOwnPage: true }, TOKEN)).toMatchObject({
        status: 401,
      });
  });

  it('has a token that comes too decide', () => {
    expect(refusal({ cookies, authorization: 'Bearer x' }, TOKEN)).toMatchObject({ status: 401 });
  });

  it('is a cookie that no script reads and no other site has sent', () => {
    expect(setSessionCookie('v', false)).toBe(
      `bifrost_session=v; Path=/; Max-Age=${SESSION_SECONDS}; HttpOnly; SameSite=Strict`,
    );
    expect(setSessionCookie('', true)).toMatch(/=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict; Secure$/);
    const later = sessionIn(cookies, TOKEN, Date.now() + 3_600_000);
    expect(later?.secondsLeft).toBeLessThanOrEqual(SESSION_SECONDS - 3_600);
    expect(later?.tokenId).toBeNull();
    expect(sessionValue(TOKEN, 0)).not.toContain(TOKEN);
  });

  it('is not needed for the page of the console and for beginning a session', () => {
    for (const route of ['/', '/console', '/console/*', '/console/assets/a.js', '/session'])
      expect(refusal({ route, method: 'POST' }, TOKEN)).toBeNull();
    for (const route of ['/consoles', '/sessions', '/session/x', '/executions', undefined])
      expect(refusal({ route }, TOKEN)).toMatchObject({ status: 401 });
  });
});

describe('without a token', () => {
  it.each(['localhost', 'localhost:80', 'a.localhost', 'LOCALHOST.', '[::1]:3000', '127.1.2.3'])(
    'answers for the host %s',
    (host) => expect(refusal({ host })).toBeNull(),
  );

  it.each([undefined, '', 'evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:3000', '[::2]'])(
    'refuses the host %j with 421',
    (host) => expect(refusal({ host })).toMatchObject({ status: 421 }),
  );

  it('answers probes whatever the host, and /health as every other route', () => {
    const host = '10.1.2.3:3000';
    expect(refusal({ route: '/health/live', host })).toBeNull();
    expect(refusal({ route: '/health/ready', host })).toBeNull();
    expect(refusal({ route: '/health', host })).toMatchObject({ status: 421 });
    expect(refusal({ route: '/health' })).toBeNull();
  });
});

it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx'])(
  'refuses a body of type %s and names the body',
  (contentType) =>
    expect(refusal({ contentType })).toMatchObject({
      status: 415,
      errors: [{ field: 'body', message: expect.stringContaining('application/json') }],
    }),
);

it.each(['application/json', 'Application/JSON; charset=utf-8'])('takes a body of type %s', (contentType) => {
  expect(refusal({ contentType })).toBeNull();
});

it('knows the addresses that HOST may have on loopback', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1']) expect(isLoopbackHost(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1']) expect(isLoopbackHost(host)).toBe(false);
});
