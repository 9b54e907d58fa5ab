import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { ProblemException } from '../http/problem.js';
import { checkLimits, executionRequestSchema, taskRequestSchema, waitQuerySchema } from './requests.js';
import { read } from '../http/validation.js';

const fieldsOf = (schema: z.ZodType, value: unknown): string[] =>
  (read(schema, value).errors ?? []).map(({ field }) => field);

describe('the body of POST /tasks', () => {
  it.each([
    [{ code: '' }, []],
    [{ code: 'x', taskId: 't', timeout: 0.5, prompt: null, unknown: 1 }, ['unknown']],
    [{}, ['code']],
    [{ code: 42, timeout: 'x', prompt: 1, taskId: 'a b' }, ['code', 'prompt', 'taskId', 'timeout']],
    [{ code: 'x', timeout: 0 }, ['timeout']],
    [{ code: 'x', taskId: 'events' }, ['taskId']],
    [{ code: 'x', runAt: '2026-02-30T00:00:00Z' }, ['runAt']],
    [{ code: 'x', attempts: 3, backoff: { type: 'fixed', delay: 10 } }, []],
    [{ code: 'x', attempts: 1.5, backoff: -1 }, ['attempts', 'backoff']],
    [null, ['body']],
    ['text', ['body']],
    [[], ['body']],
  ])('%j: wrong are %j', (value, fields) => {
    expect(fieldsOf(taskRequestSchema, value).toSorted()).toEqual(fields);
  });
});

describe('the body of POST /executions', () => {
  it.each([
    [{ workflow_code: 'x' }, []],
    [{ file_path: 'a.ts', function_name: 'run' }, []],
    [{}, ['workflow_code']],
    [{ workflow_code: 'x', function_name: 'a-b' }, ['function_name']],
    [{ workflow_code: 'x', env: { A: 1, B: 'b' } }, ['env.A']],
    [{ workflow_code: 'x', tags: ['a', 2] }, ['tags.1']],
    [{ workflow_code: 'x', execution_id: '' }, ['execution_id']],
    [{ workflow_code: 'x', execution_id: 'stats' }, ['execution_id']],
    [{ workflow_code: 'x', execution_id: 'export' }, ['execution_id']],
    [{ workflow_code: 'x', execution_id: 'exports' }, []],
    [{ workflow_code: 'x', execution_id: '..' }, ['execution_id']],
    [{ workflow_code: 'x', execution_id: '...' }, []],
    [{ workflow_code: 'x', run_at: '2026-02-29T00:00:00Z' }, ['run_at']],
    [{ workflow_code: 'x', run_at: '2024-02-29T00:00:00.5+14:00' }, []],
    [{ workflow_code: 'x', run_at: '2026-04-31T00:00:00+0200' }, ['run_at']],
    [{ workflow_code: 'x', run_at: '2026-04-30' }, ['run_at']],
    [{ workflow_code: 'x', run_at: '2026-04-30T12:00:00' }, ['run_at']],
    [{ workflow_code: 'x', run_at: '2026-04-30T1:2:3Z' }, ['run_at']],
    [{ workflow_code: 'x', timeout_seconds: -1 }, ['timeout_seconds']],
  ])('%j: wrong are %j', (value, fields) => {
    expect(fieldsOf(executionRequestSchema, value)).toEqual(fields);
  });
});

describe('?wait', () => {
  it('is a number of seconds, 0 when left out', () => {
    expect(waitQuerySchema.parse({})).toEqual({ wait: 0 });
    expect(waitQuerySchema.parse({ wait: '1.5' })).toEqual({ wait: 1.5 });
  });

  it.each(['x', '-1', '301', 'Infinity', ['1', '2']])('refuses %j', (wait) => {
    expect(fieldsOf(waitQuerySchema, { wait })).toEqual(['wait']);
  });
});

describe('checkLimits', () => {
  const limits = { codeLimitBytes: 4, maxTimeoutMs: 10_000 };
  const check = (code: string | null, timeout: number | null): ProblemException | null => {
    try {
      checkLimits({ field: 'code', value: code }, { field: 'timeout', value: timeout }, limits);
      return null;
    } catch (error) {
      return error as ProblemException;
    }
  };

  it('lets the limits themselves pass, and what is not there', () => {
    expect(check('ä1b', 10)).toBeNull();
    expect(check(null, null)).toBeNull();
  });

  it('refuses code by its bytes with 413', () => {
    const problem = check('äää', null);
    expect(problem?.getStatus()).toBe(413);
    expect(problem?.errors).toEqual([{ field: 'code', message: expect.stringContaining('6 bytes') }]);
  });

  it('refuses a time limit with 400', () => {
    const problem = check('', 10.5);
    expect(problem?.getStatus()).toBe(400);
    expect(problem?.errors).toEqual([
      { field: 'timeout', message: expect.stringContaining('MAX_TIMEOUT_SECONDS') },
    ]);
  });

  it('names both', () => {
    expect(check('12345', 11)?.errors.map(({ field }) => field)).toEqual(['code', 'timeout']);
  });
});
