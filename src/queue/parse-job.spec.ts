import { describe, expect, it } from '@jest/globals';
import { Refusal } from '../contract/refusal.js';
import { parseJob } from './parse-job.js';

const read = (data: unknown, id = '17') => parseJob({ id, data });

const UNSEALED = {
  kind: 'execution',
  executionId: 'e-1',
  seal: { signature: null, validUntil: null },
};

const refusalOf = (data: unknown, id?: string) => {
  const request = read(data, id);
  if (!('refusal' in request)) throw new Error(`not refused: ${JSON.stringify(request)}`);
  return request;
};

describe('parseJob', () => {
  it('reads an execution', () => {
    expect(read({ execution_id: 'e-1' })).toEqual(UNSEALED);
    expect(read({ execution_id: 'e-1', signature: 'ab', valid_until: 5 })).toEqual({
      ...UNSEALED,
      seal: { signature: 'ab', validUntil: 5 },
    });
  });

  it('reads a task', () => {
    const task = { taskId: 't-1', code: 'console.log(1)', timeout: 5, prompt: 'print 1' };
    expect(read(task)).toEqual({ kind: 'task', executionId: 't-1', task });
    expect(read({ taskId: 't-1', code: '', timeout: null, prompt: null })).toMatchObject({ kind: 'task' });
  });

  it('ignores fields that it does not know', () => {
    expect(read({ execution_id: 'e-1', priority: 3 })).toEqual(UNSEALED);
  });

  it.each([
    ['null', null],
    ['text', 'e-1'],
    ['a number', 3],
    ['an array', [{ execution_id: 'e-1' }]],
    ['nothing', undefined],
  ])('refuses %s as job data', (_, data) => {
    const { kind, executionId, refusal } = refusalOf(data);
    expect({ kind, executionId }).toEqual({ kind: 'execution', executionId: 'job-17' });
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'data' });
    expect(refusal.message).toContain('must be an object');
  });

  it.each<[string, Record<string, unknown>, 'execution' | 'task', string, string]>([
    ['no id', {}, 'execution', 'execution_id', 'job-17'],
    ['an id that is a number', { execution_id: 7 }, 'execution', 'execution_id', 'job-17'],
    ['an empty id', { execution_id: '' }, 'execution', 'execution_id', 'job-17'],
    ['an id with a blank', { execution_id: 'a b' }, 'execution', 'execution_id', 'job-17'],
    ['an id with a line feed', { execution_id: 'a\n' }, 'execution', 'execution_id', 'job-17'],
    ['an id beyond 200 characters', { execution_id: 'x'.repeat(201) }, 'execution', 'execution_id', 'job-17'],
    ['a task without code', { taskId: 't-1' }, 'task', 'code', 't-1'],
    ['code that is no text', { taskId: 't-1', code: 4 }, 'task', 'code', 't-1'],
    ['code without a task id', { code: '1' }, 'task', 'taskId', 'job-17'],
    ['a time limit that is text', { taskId: 't-1', code: '1', timeout: '5' }, 'task', 'timeout', 't-1'],
    ['a time limit of 0', { taskId: 't-1', code: '1', timeout: 0 }, 'task', 'timeout', 't-1'],
    ['a prompt that is no text', { taskId: 't-1', code: '1', prompt: {} }, 'task', 'prompt', 't-1'],
  ])('refuses %s and names the field', (_, data, kind, field, executionId) => {
    const request = refusalOf(data);
    expect(request).toMatchObject({ kind, executionId, refusal: { code: 'INVALID_JOB', field } });
    expect(request.refusal.message).toContain(`${field}: `);
  });

  it('names every bad field in one message', () => {
    const { refusal } = refusalOf({ taskId: 1, code: 2, timeout: 'x' });
    expect(refusal.message).toMatch(/taskId: .*; code: .*; timeout: /);
    expect(refusal.field).toBe('taskId');
  });

  it('files the result under an id even where the job has none', () => {
    expect(parseJob({ data: null })).toMatchObject({ executionId: 'job-unknown' });
  });
});
