import { describe, expect, it } from '@jest/globals';
import { type AccessRequest, checkAccess, isLoopbackHost } from './access-policy.js';
import { ProblemException } from './problem.js';

const TOKEN = 'a-token-of-some-length';
const asked = (changes: Partial<AccessRequest> = {}): AccessRequest => ({
  route: '/tasks',
  host: '127.0.0.1:3000',
  authorization: undefined,
  contentType: undefined,
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
