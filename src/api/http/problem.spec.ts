import { HttpException, NotFoundException } from '@nestjs/common';
import { describe as suite, expect, it } from '@jest/globals';
import { describe, pathOf } from './problem.filter.js';
import { kindOfStatus, ProblemException } from './problem.js';

const fastifyError = (code: string, statusCode: number): Error =>
  Object.assign(new Error('in the words of Fastify'), { name: 'FastifyError', code, statusCode });

suite('a problem of ours', () => {
  it('goes out as it is', () => {
    const errors = [{ field: 'code', message: 'is too long' }];
    expect(describe(new ProblemException('too-large', 'code: is too long', { errors }), '/tasks')).toEqual({
      type: 'urn:bifrost:problem:too-large',
      title: 'Too large',
      status: 413,
      detail: 'code: is too long',
      instance: '/tasks',
      errors,
    });
  });
});

suite('an error of Fastify', () => {
  it.each([
    ['FST_ERR_CTP_INVALID_JSON_BODY', 400, 'body'],
    ['FST_ERR_CTP_EMPTY_JSON_BODY', 400, 'body'],
    ['FST_ERR_CTP_BODY_TOO_LARGE', 413, 'body'],
    ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 415, 'body'],
    ['FST_ERR_BAD_URL', 400, 'url'],
    ['FST_ERR_MAX_PARAM_LENGTH', 414, 'id'],
  ])('%s becomes a %i that names %s, alone and wrapped by Nest', (code, status, field) => {
    const cause = fastifyError(code, status);
    for (const error of [cause, new HttpException(cause.message, status, { cause })]) {
      const problem = describe(error, '/tasks');
      expect(problem).toMatchObject({ status, errors: [{ field, message: problem.detail }] });
      expect(problem.detail).not.toContain('Fastify');
    }
  });
});

suite('any other error', () => {
  it.each([new Error('password is 1234'), 'password is 1234', null, { statusCode: 400, message: '1234' }])(
    'is a 500 without details: %p',
    (error) => {
      const problem = describe(error, '/tasks');
      expect(problem).toMatchObject({ status: 500, type: 'urn:bifrost:problem:internal', errors: [] });
      expect(JSON.stringify(problem)).not.toContain('1234');
    },
  );

  it('is a 404 for a route that is not there', () => {
    expect(describe(new NotFoundException('Cannot GET /x'), '/x')).toMatchObject({
      status: 404,
      detail: expect.stringContaining('/docs'),
    });
  });
});

it('calls an unknown status by its class', () => {
  expect(kindOfStatus(418)).toBe('invalid-request');
  expect(kindOfStatus(504)).toBe('internal');
  expect(kindOfStatus(409)).toBe('conflict');
});

it('leaves the query out of the instance', () => {
  expect(pathOf('/tasks/a?token=secret')).toBe('/tasks/a');
  expect(pathOf(undefined)).toBe('');
});
