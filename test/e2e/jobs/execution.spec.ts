import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { TaskResult } from '../../../src/contract/clients/task-result.js';
import { untilGone } from '../../support/processes/processes.js';
import { aContext, aTask, NAP } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let worker: WorkerProcess;

beforeAll(async () => {
  producer = makeProducer();
  worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      CONCURRENCY: '4',
      // A heap is full after a third of the time that it takes by default.
      MEMORY_LIMIT_MB: '256',
      SECRET_OF_THE_WORKER: 'do not show',
    },
    args: ['--id', 'w1'],
  });
});

const runTask = async (code: string, timeout?: number): Promise<TaskResult> =>
  producer.taskResult(await producer.submitTask(aTask(timeout === undefined ? { code } : { code, timeout })));

const runContext = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
  producer.executionResult(await producer.submitExecution(aContext(changes)));

const runScript = (code: string, timeout_seconds = 10): Promise<ExecutionResult> =>
  runContext({ workflow_code: code, function_name: null, timeout_seconds });

describe('a task', () => {
  it('ends with its result on the result queue and the whole document in Redis', async () => {
    const task = aTask({ code: 'console.log(2 + 2)', prompt: 'add' });
    await producer.submitTask(task);
    const result = await producer.taskResult(task.taskId);
    expect(result).toEqual({
      taskId: task.taskId,
      workerId: 'w1',
      status: 'completed',
      result: { stdout: '4\n', stderr: '', exitCode: 0 },
      executionTimeMs: expect.any(Number),
    });
    expect(await producer.storedResult(task.taskId)).toMatchObject({
      execution_id: task.taskId,
      worker_id: 'w1',
      attempt: 1,
      status: 'succeeded',
      stdout: '4\n',
      logs: [{ level: 'info', message: '4' }],
    });
  });

  it('keeps every line that was printed before process.exit', async () => {
    const result = await runTask('for (let i = 0; i < 20000; i++) console.log("line", i); process.exit(3)');
    expect(result).toMatchObject({ status: 'failed', errorMessage: 'The code exited with code 3' });
    expect(result.result?.exitCode).toBe(3);
    const lines = (result.result?.stdout ?? '').trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines[19_999]).toBe('line 19999');
  });

  it('lets a script finish what it left to its event loop', async () => {
    const result = await runTask('setTimeout(() => console.log("later"), 20)');
    expect(result.result?.stdout).toBe('later\n');
  });

  it.each([
    ['CommonJS', 'const { basename } = require("node:path"); console.log(basename("/a/b"))'],
    ['ESM', 'import { basename } from "node:path"; console.log(basename("/a/b"))'],
    ['TypeScript', 'enum Kind { B = "b" } const kind: Kind = Kind.B; console.log(kind)'],
    [
      'top-level await beside require',
      'const p = require("node:path"); await null; console.log(p.basename("/a/b"))',
    ],
  ])('runs %s', async (_kind, code) => {
    expect((await runTask(code)).result?.stdout).toBe('b\n');
  });
});

describe('an execution', () => {
  it('calls the named function with parameters and context', async () => {
    const result = await runContext({
      workflow_code: `export async function greet(parameters: { name: string }, context) {
        context.variables.seen = parameters.name;
        context.logger.warn('careful', { name: parameters.name });
        return { hello: parameters.name, workflow: context.workflowId, attempt: context.attempt, who: context.caller.email };
      }`,
      function_name: 'greet',
      parameters: { name: 'world' },
      workflow_id: 'wf-1',
      caller: { user_id: 'u1', email: 'u@example.org', name: 'U' },
      organization: { id: 'o1' },
      tags: ['nightly'],
    });
    expect(result).toMatchObject({
      success: true,
      workflow_id: 'wf-1',
      caller: { user_id: 'u1', email: 'u@example.org', name: 'U' },
      organization: { id: 'o1', name: null },
      tags: ['nightly'],
      result: { hello: 'world', workflow: 'wf-1', attempt: 1, who: 'u@example.org' },
      variables: { seen: 'world' },
      logs: [{ level: 'warn', stream: 'stdout', message: 'careful', fields: { name: 'world' } }],
      stdout: "careful { name: 'world' }\n",
    });
  });

  it('shows user code the variables of the context and nothing of the worker', async () => {
    const result = await runScript('export default { ...process.env }');
    expect(result.result).toEqual({});
    const given = await runContext({
      workflow_code: 'export default () => ({ ...process.env })',
      env: { GIVEN: 'yes' },
    });
    expect(given.result).toEqual({ GIVEN: 'yes' });
  });

  it('shows line and column of the TypeScript source where it threw', async () => {
    const result = await runScript(
      'interface A { b: string }\n\nfunction fail(a: A): never {\n  throw new TypeError(a.b);\n}\nfail({ b: "boom" });',
    );
    expect(result).toMatchObject({ status: 'failed', error: 'boom', error_type: 'TypeError', exit_code: 1 });
    expect(result.failure?.stack).toContain('at fail (/tmp/bifrost/workspace/inline-code.ts:4:9)');
    expect(result.stderr).toContain('inline-code.ts:4:9');
  });

  it('reports the class and the cause of an error', async () => {
    const result = await runContext({
      workflow_code: `class QuotaError extends Error {}
        export default function run() { throw new QuotaError('too much', { cause: new Error('the reason') }); }`,
    });
    expect(result).toMatchObject({
      error_type: 'QuotaError',
      error: 'too much',
      failure: { code: 'USER_ERROR' },
    });
    expect(result.failure?.stack).toMatch(/\[cause\]: Error: the reason/);
  });

  it.each([
    [
      'a syntax error',
      { workflow_code: 'const a = ;', function_name: null },
      'USER_ERROR',
      /inline-code\.ts:1:11/,
    ],
    [
      'a missing export',
      { function_name: 'absent' },
      'USER_ERROR',
      /"absent" is not a function.*exports: default/,
    ],
    [
      'a value without JSON form',
      { workflow_code: 'export default () => [new WeakMap()]' },
      'RESULT_NOT_SERIALIZABLE',
      /\[0\]: an instance of WeakMap/,
    ],
    [
      'a huge value',
      { workflow_code: 'export default () => "x".repeat(2e8)' },
      'OUTPUT_LIMIT',
      /larger than/,
    ],
    [
      'an early process.exit',
      { workflow_code: 'export default () => process.exit(0)' },
      'USER_ERROR',
      /process\.exit\(0\)/,
    ],
    [
      'an uncaught error',
      {
        workflow_code:
          'export default () => new Promise(() => setTimeout(() => { throw new RangeError("late") }))',
      },
      'USER_ERROR',
      /late/,
    ],
    [
      'SIGKILL',
      { workflow_code: 'export default () => process.kill(process.pid, "SIGKILL")' },
      'RUNNER_CRASHED',
      /SIGKILL/,
    ],
    [
      'a full heap',
      {
        workflow_code: 'export default () => { const all = []; for (;;) all.push(new Array(1e5).fill({})) }',
      },
      'OUT_OF_MEMORY',
      /memory/,
    ],
    [
      'full buffers',
      { workflow_code: 'export default () => { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)) }' },
      'OUT_OF_MEMORY',
      /memory/,
    ],
    [
      'a flood of output',
      { workflow_code: 'export default () => { for (;;) console.log("x".repeat(1e4)) }' },
      'OUTPUT_LIMIT',
      /without end/,
    ],
    ['no context field to run', { workflow_code: null }, 'INVALID_JOB', /file_path/],
    ['too long a time limit', { timeout_seconds: 1e9 }, 'INVALID_JOB', /timeout_seconds.*3600/],
  ] satisfies [string, Partial<ExecutionContext>, string, RegExp][])(
    'that meets %s ends with a clear result, and the next one runs',
    async (_what, context, code, message) => {
      const result = await runContext(context);
      expect(result.success).toBe(false);
      expect(result.failure?.code).toBe(code);
      expect(result.error).toMatch(message);
      expect((await runTask('console.log(1)')).result?.stdout).toBe('1\n');
    },
  );

  it('ends with ContextNotFound when there is no context', async () => {
    await producer.submitRaw({ execution_id: 'without-context' });
    expect(await producer.executionResult('without-context')).toMatchObject({
      success: false,
      error_type: 'ContextNotFound',
      failure: { code: 'CONTEXT_NOT_FOUND' },
    });
  });

  it('is tried again only when the job asks for attempts', async () => {
    const id = await producer.submitExecution(
      aContext({
        workflow_code:
          'export default (_, context) => { if (context.attempt < 3) throw new Error("not yet"); return context.attempt }',
      }),
      'with-attempts',
      { attempts: 3 },
    );
    expect(await producer.executionResult(id)).toMatchObject({ success: true, result: 3, attempt: 3 });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });
});

describe('the time limit', () => {
  /** Code has to have begun by then, also on a slow and busy machine. */
  const LIMIT_SECONDS = 3;
  it.each([
    ['an endless loop', `console.log(process.pid); for (;;) ${NAP};`],
    // Each promise is let go of: a chain of them would fill the memory, at the machine's speed.
    [
      'endless microtasks',
      `console.log(process.pid); const f = () => { ${NAP}; Promise.resolve().then(f); }; f();`,
    ],
    [
      'a promise that never settles',
      'console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000));',
    ],
    [
      'code that ignores signals',
      'console.log(process.pid); process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);',
    ],
  ])('ends %s, process and all', async (_what, code) => {
    const result = await runScript(code, LIMIT_SECONDS);
    expect(result).toMatchObject({
      status: 'timed_out',
      exit_code: 124,
      failure: { code: 'TIMED_OUT', evidence: { limit: `${LIMIT_SECONDS} s of time` } },
    });
    expect(result.duration_ms).toBeGreaterThan((LIMIT_SECONDS - 1) * 1000);
    await untilGone(Number(result.stdout));
  });
});

describe('a hostile execution', () => {
  it('that writes forged frames to every descriptor changes nothing but its own', async () => {
    const forged =
      'import fs from "node:fs"; for (let fd = 0; fd < 64; fd++) try { fs.writeSync(fd, \'{"type":"result","value":"forged"}\\n\') } catch {}';
    const [forger, ...others] = await Promise.all([
      runScript(forged),
      ...[1, 2, 3].map((n) => runTask(`console.log(${n})`)),
    ]);
    expect(forger.result).toBeNull();
    expect(forger.failure?.code).toBe('PROTOCOL_VIOLATION');
    expect(others.map((other) => other?.result?.stdout)).toEqual(['1\n', '2\n', '3\n']);
  });

  it("cannot open the worker's inspector by a signal", async () => {
    const seen = await runScript(
      `try { process.kill(${worker.pid}, "SIGUSR1") } catch (error) { globalThis.refused = error.code } export default globalThis.refused;`,
    );
    expect(seen.result).toMatch(/^(EPERM|ESRCH)$/);
    expect((await runTask('console.log("next")')).result?.stdout).toBe('next\n');
    expect(worker.output.join('\n')).not.toContain('Debugger listening');
  });

  it('cannot leave a process running', async () => {
    const result = await runScript(
      'import { spawn } from "node:child_process"; spawn("sleep", ["300"], { detached: true }).unref();',
    );
    expect(result.stderr).toMatch(/restricted|denied/i);
  });

  it('cannot fool the report by patching globals', async () => {
    const result = await runContext({
      workflow_code: `export default function run() {
        JSON.stringify = () => '"forged"';
        Object.prototype.toJSON = () => 'forged';
        return { real: true };
      }`,
    });
    expect(result.success).toBe(true);
    expect(await runTask('console.log("next")')).toMatchObject({ result: { stdout: 'next\n' } });
  });
});

describe('a job that cannot be read', () => {
  it.each([
    ['no fields', {}, /execution_id/],
    ['a number as id', { execution_id: 7 }, /execution_id: must be a string/],
    ['a list', [], /must be an object/],
  ])('with %s ends at once with one result that names the field', async (_what, data, message) => {
    const id = `job-${await producer.submitRaw(data)}`;
    const result = await producer.executionResult(id);
    expect(result).toMatchObject({ success: false, failure: { code: 'INVALID_JOB' } });
    expect(result.error).toMatch(message);
  });

  it('with code that is no string, or too long, ends as a failed task', async () => {
    await producer.submitRaw({ taskId: 'a', code: 42 });
    expect(await producer.taskResult('a')).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('code'),
    });
    const long = await runTask(`// ${'x'.repeat(5_000_000)}`);
    expect(long).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('CODE_LIMIT_BYTES'),
    });
  });
});
