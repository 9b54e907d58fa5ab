import type { z } from 'zod';
import { describe, expect, it } from '@jest/globals';
import { executionRequestSchema, taskRequestSchema } from '../executions/requests.js';
import { listQuerySchema } from '../list/list-requests.js';
import { read } from './validation.js';

const errorsOf = (body: object, schema: z.ZodType = executionRequestSchema) =>
  read(schema, body).errors ?? [];

describe('a field that is not known', () => {
  it.each([
    ['timeout', 'timeout_seconds'],
    ['timeoutSeconds', 'timeout_seconds'],
    ['code', 'workflow_code'],
    ['tag', 'tags'],
    ['atempts', 'attempts'],
    ['idempotency_key', 'the header Idempotency-Key'],
    ['runAt', 'run_at'],
    ['params', 'parameters'],
    ['filePath', 'file_path'],
  ])('%s of an execution is refused by name, and %s is meant', (field, meant) => {
    expect(errorsOf({ workflow_code: 'x', [field]: 1 })).toEqual([
      { field, message: `is not known; did you mean ${meant}?` },
    ]);
  });

  it.each(['console', 'zzz'])('%s has nothing near', (field) => {
    expect(errorsOf({ workflow_code: 'x', [field]: 1 })).toEqual([
      { field, message: 'is not known here; /docs lists what is' },
    ]);
  });

  it('of a task is refused as well', () => {
    expect(errorsOf({ code: 'x', timeout_seconds: 5 }, taskRequestSchema)).toEqual([
      { field: 'timeout_seconds', message: 'is not known; did you mean timeout?' },
    ]);
  });

  it('of a filter is refused, and the nearest filter is meant', () => {
    expect(errorsOf({ wokflow: 'a', tags: 'b' }, listQuerySchema)).toEqual([
      { field: 'wokflow', message: 'is not known; did you mean workflow?' },
      { field: 'tags', message: 'is not known; did you mean tag?' },
    ]);
  });

  it('is reported beside what is missing', () => {
    expect(errorsOf({ code: 'x' }).map(({ field }) => field)).toEqual(['workflow_code', 'code']);
  });

  it('is the own business of users inside of what they fill', () => {
    const free = { anything: 1 };
    const body = { workflow_code: 'x', parameters: free, env: { a: '1' }, secrets: { a: '1' } };
    expect(errorsOf({ ...body, caller: free, organization: { id: 'o', ...free } })).toEqual([]);
  });
});
