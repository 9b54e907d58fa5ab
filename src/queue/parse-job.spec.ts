import { describe, expect, it } from '@jest/globals';
import { Refusal } from '../contract/jobs/refusal.js';
import { parseJob } from './parse-job.js';

const read = (data: unknown, id = '17') => parseJob({ id, data });

const NOT_SCHEDULED = {
  expiresAtMs: null,
  tick: null,
  again: false,
  policy: { overlap: 'allow', missed: 'one' },
  webhook: null,
};
const UNSEALED = {
  ...NOT_SCHEDULED,
  kind: 'execution',
  executionId: 'e-1',
  contextId: 'e-1',
  seal: { signature: null, validUntil: null },
};

const refusalOf = (data: unknown, id?: string) => {
  const request = read(data, id);
  if (!('refusal' in request)) throw new Error(`not refused: ${JSON.stringify(request)}`);
  return request;
};

const LONG = 'x'.repeat(201);

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
    expect(read(task)).toEqual({ ...NOT_SCHEDULED, kind: 'task', executionId: 't-1', task });
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
    ['an id with a blank', { execution_id: 'a b' }, 'execution', 'execution_id', 'a b'],
    ['an id with braces', { taskId: '{é}', code: '1' }, 'task', 'taskId', '{é}'],
    ['nothing but blanks', { execution_id: '  ' }, 'execution', 'execution_id', 'job-17'],
    ['an id with a line feed', { execution_id: 'a\n' }, 'execution', 'execution_id', 'job-17'],
    ['an id beyond 200 characters', { execution_id: LONG }, 'execution', 'execution_id', LONG],
    ['an id beyond all bounds', { taskId: 'x'.repeat(1001), code: '1' }, 'task', 'taskId', 'job-17'],
    ['code beside an execution id', { execution_id: 'x', code: '1' }, 'execution', 'code', 'x'],
    [
      'a task of a bad id beside a good one',
      { taskId: 7, execution_id: 'x', code: '1' },
      'task',
      'taskId',
      'x',
    ],
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

  it.each([
    ['null keys of the other contract', { execution_id: 'x', taskId: null, code: null }, 'execution', 'x'],
    ['null keys of its own', { taskId: 'x', code: '1', execution_id: null, timeout: null }, 'task', 'x'],
    ['ids of both, with code', { execution_id: 'x', taskId: 'y', code: '1' }, 'task', 'y'],
    ['ids of both, without code', { execution_id: 'x', taskId: 'y' }, 'execution', 'x'],
    ['an id of another script', { taskId: 'py-ünï-1', code: '1' }, 'task', 'py-ünï-1'],
    ['an id of pictures', { execution_id: '夜間🌙' }, 'execution', '夜間🌙'],
  ])('takes %s', (_, data, kind, executionId) => {
    const request = read(data);
    expect(request).toMatchObject({ kind, executionId });
    expect(request).not.toHaveProperty('refusal');
  });

  it.each([
    [{ execution_id: 'x', again: true }, {}, true],
    [{ taskId: 'x', code: '1', again: true }, {}, true],
    [{ execution_id: 'x' }, { again: true }, true],
    [{ execution_id: 'x', again: false }, {}, false],
    [{ execution_id: 'x' }, { again: 1 }, false],
  ])('of %j with options %j runs again: %s', (data, opts, again) => {
    expect(parseJob({ id: '1', data, opts }).again).toBe(again);
  });

  it('files the tick of a schedule under scheduler and time, whatever its data name', () => {
    const id = 'repeat:nightly:1795824000000';
    const tick = { schedule: 'nightly', dueMs: 1795824000000 };
    const at = (data: object) => parseJob({ id, repeatJobKey: 'nightly', data });
    const executionId = 'nightly@2026-11-28T00:00:00.000Z';
    expect(at({ code: '1' })).toMatchObject({
      kind: 'task',
      executionId,
      tick,
      task: { taskId: executionId },
    });
    expect(at({ taskId: 't', code: '1' })).toMatchObject({ executionId, tick, task: { taskId: 't' } });
    expect(at({ execution_id: 'e' })).toMatchObject({ executionId, tick, contextId: 'e' });
    expect(at({ execution_id: 7 })).toMatchObject({ executionId, tick, refusal: { field: 'execution_id' } });
  });

  it('refuses options that cannot be carried out, under the id of the job', () => {
    const opts = { attempts: 3, backoff: { type: 'odd' } };
    expect(parseJob({ id: '1', data: { execution_id: 'x' }, opts })).toMatchObject({
      executionId: 'x',
      refusal: { code: 'INVALID_JOB', field: 'opts.backoff' },
    });
  });

  it('names every bad field in one message', () => {
    const { refusal } = refusalOf({ taskId: 1, code: 2, timeout: 'x' });
    expect(refusal.message).toMatch(/taskId: .*; code: .*; timeout: /);
    expect(refusal.field).toBe('taskId');
  });

  it('files the result under an id even where the job has none', () => {
    expect(parseJob({ data: null })).toMatchObject({ executionId: 'job-unknown' });
  });

  it('reads how the ticks of a schedule are treated, and a tick that no job scheduler made', () => {
    const schedule = {
      id: 'nightly',
      due_at: '2026-11-28T01:00:00.000Z',
      overlap: 'skip',
      missed: 'all',
      ttl: 5,
    };
    expect(read({ code: '1', schedule })).toMatchObject({
      kind: 'task',
      executionId: 'nightly@2026-11-28T01:00:00.000Z',
      tick: { schedule: 'nightly', dueMs: Date.parse(schedule.due_at) },
      policy: { overlap: 'skip', missed: 'all' },
      expiresAtMs: Date.parse(schedule.due_at) + 5_000,
    });
    expect(read({ execution_id: 'e-1', schedule: { overlap: 'often' } })).toMatchObject({
      executionId: 'e-1',
      refusal: { code: 'INVALID_JOB', field: 'schedule' },
    });
  });
});
