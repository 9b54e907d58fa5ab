import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  executionJob,
  executionText,
  isSigned,
  sign,
  signedTask,
  signingKeys,
  taskText,
} from './signature.js';

const KEY = 'k'.repeat(32);
const CONTEXT = '{"workflow_code":"export default () => \\"é\\""}';
const EXECUTION = { executionId: 'e-1', context: CONTEXT, validUntil: null };
const TASK = { taskId: 't', code: '', timeout: null, network: null, validUntil: null };

describe('what is signed', () => {
  it('is a text that any language can make', () => {
    const hash = createHash('sha256').update(Buffer.from(CONTEXT, 'utf8')).digest('hex');
    expect(executionText(EXECUTION)).toBe(`bifrost-execution-v1\ne-1\n\n${hash}`);
    expect(executionText({ ...EXECUTION, validUntil: 1_772_000_000 })).toBe(
      `bifrost-execution-v1\ne-1\n1772000000\n${hash}`,
    );
    const code = createHash('sha256').update('1').digest('hex');
    expect(taskText({ ...TASK, code: '1', timeout: 1.5 })).toBe(`bifrost-task-v1\nt\n\n1.5\n${code}`);
    expect(taskText({ ...TASK, code: '1', timeout: 1.5, network: 'none' })).toBe(
      `bifrost-task-v2\nt\n\n1.5\n${code}\nnone`,
    );
  });

  it('is the HMAC of RFC 4231, test case 2', () => {
    expect(sign('Jefe', 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });
});

describe('isSigned', () => {
  const text = executionText(EXECUTION);

  it('takes every key', () => {
    expect(isSigned(['x'.repeat(32), KEY], text, sign(KEY, text))).toBe(true);
    expect(isSigned([KEY], text, sign(KEY, text).toUpperCase())).toBe(true);
  });

  it.each([
    ['another key', sign('x'.repeat(32), text)],
    ['another context', sign(KEY, executionText({ ...EXECUTION, context: `${CONTEXT} ` }))],
    ['another execution', sign(KEY, executionText({ ...EXECUTION, executionId: 'e-2' }))],
    ['a later time', sign(KEY, executionText({ ...EXECUTION, validUntil: 1 }))],
    ['a task', sign(KEY, taskText({ ...TASK, taskId: 'e-1', code: CONTEXT }))],
    ['half of it', sign(KEY, text).slice(0, 32)],
    ['nothing', ''],
  ])('refuses the signature of %s', (_what, signature) => {
    expect(isSigned([KEY], text, signature)).toBe(false);
  });
});

describe('job data', () => {
  it('carries the signature where there is a key', () => {
    expect(executionJob(undefined, 'e-1', CONTEXT)).toEqual({ execution_id: 'e-1' });
    expect(executionJob(KEY, 'e-1', CONTEXT, 5)).toEqual({
      execution_id: 'e-1',
      valid_until: 5,
      signature: sign(KEY, executionText({ ...EXECUTION, validUntil: 5 })),
    });
    const task = { taskId: 't', code: '1', timeout: 2 };
    expect(signedTask(undefined, task)).toEqual(task);
    expect(signedTask(KEY, task)).toEqual({
      ...task,
      signature: sign(KEY, taskText({ ...TASK, ...task })),
    });
  });

  it('reads a list of keys', () => {
    expect(signingKeys(' a, b ,,')).toEqual(['a', 'b']);
    expect(signingKeys(undefined)).toEqual([]);
  });
});
