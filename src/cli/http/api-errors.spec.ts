import { describe, expect, it } from '@jest/globals';
import { connectionError, refusalError, UnavailableError } from './api-errors.js';
import { EXIT } from '../output/exit.js';

const access = { url: 'http://h', token: undefined };

describe('an answer that is no success', () => {
  it('lists the fields that a request has wrong', () => {
    const errors = [
      { field: 'a', message: 'must be b' },
      { field: 'c', message: 'must be d' },
      'what is not a field',
    ];
    const error = refusalError({ status: 400, body: { detail: 'unused', errors } }, access);
    expect(error.message).toBe('the request was refused (400):\n  a: must be b\n  c: must be d');
    expect(error.exitCode).toBe(EXIT.usage);
  });

  it.each([
    [
      413,
      { detail: 'the body is too large' },
      EXIT.usage,
      'the request was refused (413): the body is too large',
    ],
    [413, undefined, EXIT.usage, 'the request was refused (413): no reason given'],
    [401, null, EXIT.unavailable, 'http://h answers 401: set BIFROST_TOKEN'],
    [403, 'text', EXIT.unavailable, 'http://h answers 403: something between'],
    [404, {}, EXIT.unavailable, 'http://h answers 404: check BIFROST_URL'],
    [421, { detail: 'no' }, EXIT.unavailable, 'http://h answers 421 (no): set BIFROST_URL to the address'],
    [302, undefined, EXIT.unavailable, 'http://h answers 302: redirects are not followed'],
    [500, undefined, EXIT.unavailable, 'http://h answers 500: try again later'],
    [
      503,
      { detail: 'Redis\nis away' },
      EXIT.unavailable,
      'http://h answers 503 (Redis is away): try again later',
    ],
  ])('of status %i says what to do', (status, body, exitCode, message) => {
    const error = refusalError({ status, body }, access);
    expect(error.exitCode).toBe(exitCode);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
  });

  it.each([
    [500, false],
    [502, true],
    [503, true],
    [504, true],
    [401, false],
  ])('of status %i may pass by itself: %s', (status, passes) => {
    expect(refusalError({ status, body: {} }, access) instanceof UnavailableError).toBe(passes);
  });
});

describe('no answer', () => {
  const failure = (cause: object): Error => new TypeError('fetch failed', { cause });

  it('because no server listens cannot have been carried out', () => {
    const error = connectionError(failure({ code: 'ECONNREFUSED', message: 'connect' }), access);
    expect(error).toMatchObject({ exitCode: EXIT.unavailable, arrived: false });
    expect(error.message).toMatch(/^no connection to http:\/\/h \(ECONNREFUSED\)/);
  });

  it('because the connection broke may have been', () => {
    const error = connectionError(failure({ code: 'UND_ERR_SOCKET', message: 'other side closed' }), access);
    expect(error.arrived).toBe(true);
    expect(error.message).toMatch(/broke \(other side closed\)/);
  });

  it('because of the time may have been', () => {
    expect(connectionError(new DOMException('late', 'TimeoutError'), access)).toMatchObject({
      arrived: true,
    });
  });
});
