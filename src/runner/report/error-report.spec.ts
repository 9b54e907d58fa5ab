import { describe, expect, it } from '@jest/globals';
import { reportError } from './error-report.js';
import { OWN_FILE as OWN } from './user-frames.js';

class QuotaError extends Error {}

const withStack = (error: Error, ...frames: string[]): Error => {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
};

describe('reportError', () => {
  it.each<[Error, string]>([
    [new TypeError('x'), 'TypeError'],
    [new QuotaError('x'), 'QuotaError'],
    [Object.assign(new QuotaError('x'), { name: 'Quota' }), 'Quota'],
    [Object.assign(new Error('x'), { constructor: undefined }), 'Error'],
    [{ name: 'Alien', message: 'x', stack: 'Alien: x' }, 'Alien'],
  ])('names %s by its class', (error, name) => {
    expect(reportError(error)).toMatchObject({ name, message: 'x' });
  });

  it.each<[unknown, string]>([
    ['text', "thrown: 'text'"],
    [undefined, 'thrown: undefined'],
    [{ code: 7 }, 'thrown: { code: 7 }'],
  ])('shows %p, which is no error', (thrown, message) => {
    expect(reportError(thrown)).toEqual({
      name: 'Error',
      message,
      stack: null,
      limit: null,
      final: false,
      detail: 'null',
    });
  });

  it("leaves out the runner's frames, and Node's where they come last", () => {
    const error = withStack(
      new Error('no'),
      'f (file:///w/main.ts:3:1)',
      'node:internal/timers:1:1',
      'g (file:///w/main.ts:9:1)',
      `runExecution (${OWN}:10:1)`,
      'ModuleJob.run (node:internal/modules/esm/module_job:1:1)',
      `main (${OWN}:1:1)`,
    );
    expect(reportError(error).stack?.split('\n')).toEqual([
      'Error: no',
      '    at f (file:///w/main.ts:3:1)',
      '    at node:internal/timers:1:1',
      '    at g (file:///w/main.ts:9:1)',
    ]);
  });

  it('reports the causes too, and ends where they form a circle', () => {
    const inner = withStack(new QuotaError('inner'), 'h (file:///w/deep.ts:1:1)');
    const outer = new Error('outer', { cause: inner });
    expect(reportError(outer).stack).toMatch(/\[cause\]: QuotaError: inner\n {6}at h \(file:.*deep\.ts/);
    expect(reportError(new Error('outer', { cause: 42 })).stack).toMatch(/\n {2}\[cause\]: 42\n}$/);
    inner.cause = outer;
    expect(reportError(outer).stack).toMatch(/cause: \[Circular \*1\]/);
  });

  it('works without a stack', () => {
    const error = new Error('no');
    delete error.stack;
    expect(reportError(error)).toEqual({
      name: 'Error',
      message: 'no',
      stack: 'Error: no',
      limit: null,
      final: false,
      detail: 'null',
    });
  });

  it.each([
    [{ code: 'ERR_MEMORY_ALLOCATION_FAILED' }, 'memory'],
    [{ code: 'EFBIG' }, 'file-size'],
    [{ code: 'EMFILE' }, 'open-files'],
    [{ code: 'ERR_ACCESS_DENIED', permission: 'ChildProcess' }, 'processes'],
    [{ code: 'ERR_ACCESS_DENIED', permission: 'WorkerThreads' }, 'processes'],
    [{ code: 'ERR_ACCESS_DENIED', permission: 'FileSystemRead' }, null],
    [{ code: 'toString' }, null],
    [{ code: 27 }, null],
  ])('names the limit that caused %j', (fields, limit) => {
    expect(reportError(Object.assign(new Error('no'), fields)).limit).toBe(limit);
  });

  it('gives own fields, causes and gathered errors as data, bounded', () => {
    const error = Object.assign(new AggregateError([new TypeError('one'), 'two'], 'both'), {
      code: '23505',
      password: 'x',
      cause: Object.assign(new Error('why'), { status: 500 }),
    });
    expect(JSON.parse(reportError(error).detail)).toEqual({
      fields: { code: '23505', password: '<redacted>' },
      cause: { name: 'Error', message: 'why', stack: expect.any(String), fields: { status: 500 } },
      errors: [{ name: 'TypeError', message: 'one', stack: expect.any(String) }, 'two'],
    });
    const { detail } = reportError(Object.assign(new Error('x'), { big: 'y'.repeat(1e6) }));
    expect(detail.length).toBeLessThan(20_000);
    const circle = new Error('x');
    circle.cause = circle;
    expect(reportError(circle).detail.length).toBeLessThan(40_000);
  });

  it('says in our words what the isolation refuses', () => {
    const error = new Error(
      'Access to this API has been restricted. Use --allow-fs-write to manage permissions.',
    );
    expect(reportError(error).message).toMatch(/restricted\. Code writes files in its scratch folder/);
    expect(reportError(error).stack).not.toContain('--allow');
  });

  it('bounds every part', () => {
    const error = new Error('m'.repeat(100_000));
    error.name = 'n'.repeat(1000);
    const report = reportError(error);
    expect([report.name.length, report.message.length, report.stack?.length]).toEqual([200, 16_384, 65_536]);
    const thrown = Array(10).fill('t'.repeat(9_000));
    expect(reportError(thrown).message).toHaveLength(16_384);
  });

  it('never throws, whatever the value does', () => {
    const unreadable = {
      name: 'Error',
      message: 'the thrown value cannot be read',
      stack: null,
      limit: null,
      final: false,
      detail: 'null',
    };
    const trap = new Proxy(new Error('x'), {
      get() {
        throw new Error('trap');
      },
    });
    const getter = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('getter');
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [trap, getter]) expect(reportError(thrown)).toEqual(unreadable);
    expect(reportError(proxy)).toMatchObject({ name: 'Error', stack: null });
  });

  it('makes text of a message that is none', () => {
    const error = Object.assign(new Error('x'), { message: { odd: true } });
    expect(reportError(error).message).toBe('[object Object]');
  });

  it.each<[string, unknown, boolean]>([
    ['says so', Object.assign(new Error('no'), { retryable: false }), true],
    ['has the name for it', Object.assign(new Error('no'), { name: 'UnrecoverableError' }), true],
    ['is of a class of that name', new (class UnrecoverableError extends Error {})('no'), true],
    ['is no error and says so', { retryable: false }, true],
    ['may be tried again', Object.assign(new Error('no'), { retryable: true }), false],
    ['says nothing', new Error('no'), false],
    ['is nothing', null, false],
  ])('is final when what was thrown %s', (_what, thrown, final) => {
    expect(reportError(thrown).final).toBe(final);
  });
});
