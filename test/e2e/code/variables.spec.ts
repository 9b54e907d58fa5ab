import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext, NAP } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);

const KINDS: [string, Record<string, string>][] = [
  ['single-use process', {}],
  ['reused process', { RUNNER_MAX_EXECUTIONS: '100', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true' }],
  [
    'thread',
    {
      RUNNER: 'thread',
      TRUSTED_CODE: 'true',
      RUNNER_THREADS: '2',
      RUNNER_MAX_EXECUTIONS: '100',
      RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
    },
  ],
];

describe.each(KINDS)('in a runner of the kind %s', (kind, env) => {
  const startWorker = useWorkers();
  let producer: Producer;
  const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
    producer.executionResult(await producer.submitExecution(aContext(changes)));
  const script = (code: string, changes: Partial<ExecutionContext> = {}): Promise<ExecutionResult> =>
    run({ workflow_code: code, function_name: null, ...changes });

  beforeAll(async () => {
    const queueName = `variables-${kind.replaceAll(' ', '-')}`;
    producer = makeProducer({ queueName });
    await startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: queueName, CONCURRENCY: '2', ...env } });
  });

  it('shows what a script had assigned when it failed, at the place where it failed', async () => {
    const code = [
      'const orders: number[] = [3, 4];',
      'let total = 0;',
      'for (const order of orders) total += order;',
      'enum Colour { Red }',
      'throw new Error(`line five, ${total}`);',
      'const later = 1;',
    ].join('\n');
    const result = await script(code);
    expect(result.variables).toEqual({ orders: [3, 4], total: 7, Colour: { '0': 'Red', Red: 0 } });
    expect(Object.keys(result.variables)).toEqual(['orders', 'total', 'Colour']);
    expect(result.failure?.stack).toMatch(/inline-code\.ts:5:7/);
    expect(result.stderr).toMatch(/inline-code\.ts:5:7/);
  });

  it('shows them for CommonJS, and moves no position', async () => {
    const code = [
      '"use strict";',
      'const path = require("node:path");',
      'let file = path.basename("/a/b.txt"), isStrict = (function () { return this === undefined })();',
      'const later = () => 1;',
      'null.x; // fails here',
      'let never = 1;',
    ].join('\n');
    const result = await script(code);
    expect(result.variables).toMatchObject({ file: 'b.txt', isStrict: true });
    expect(Object.keys(result.variables)).not.toContain('never');
    expect(result.failure?.stack).toMatch(/inline-code\.ts:5:6/);
  });

  it('shows them after success, process.exit and a late error', async () => {
    const ended = await script(
      'export const shown = new Map([["k", { deep: 1n }]]); export default shown.size',
    );
    expect(ended).toMatchObject({ result: 1, variables: { shown: [['k', { deep: '1' }]] } });
    const exited = await script('let code = 3; setTimeout(() => process.exit(code), 1)');
    expect(exited).toMatchObject({ exit_code: 3, variables: { code: 3 } });
    const late = await script('let n = 1; setTimeout(() => { n = 2; throw new Error("late") }, 1)');
    expect(late).toMatchObject({ status: 'failed', variables: { n: 2 } });
  });

  it('calls no code of the user to show them, hides what is secret, and bounds the rest', async () => {
    const code = `
      import { deepEqual } from 'node:assert';
      let touched = false;
      class Point { constructor() { this.x = 1 } get y() { touched = true; return 2 } toJSON() { touched = true } }
      const point = new Point();
      const proxy = new Proxy({}, { get() { touched = true }, ownKeys() { touched = true; return [] } });
      const circular = { name: 'c' }; circular.self = circular;
      const config = { apiKey: 'sesame', user: { password: 'sesame' }, plain: 'ok' };
      const huge = new Map(Array.from({ length: 1e5 }, (_, i) => [i, 'x'.repeat(10)]));
      const big = 5n;
      const getter = { get value() { touched = true; throw new Error('no') } };
      function f() {}
    `;
    const { variables, status } = await script(code);
    expect(status).toBe('succeeded');
    expect(variables).toMatchObject({
      touched: false,
      point: { '<class>': 'Point', x: 1 },
      proxy: '<Proxy>',
      circular: { name: 'c', self: '<circular>' },
      config: { apiKey: '<redacted>', user: { password: '<redacted>' }, plain: 'ok' },
    });
    expect(JSON.stringify(variables).length).toBeLessThan(80_000);
    expect(Object.keys(variables)).not.toContain('f');
  });

  it('shows the local variables of the calls that an error went through', async () => {
    const code = [
      'const rate = 3;',
      'class Cart { items = [1, 2]; sum(extra) { const all = [...this.items, extra]; return total(all) } }',
      'function total(list) {',
      '  let sum = 0;',
      '  for (const item of list) { const part = item * rate; sum += part; if (item > 5) throw new RangeError("too much") }',
      '}',
      'export default async function run(parameters, context) {',
      '  context.variables.step = "one";',
      '  try { JSON.parse("{") } catch {}',
      '  const cart = new Cart(); await null;',
      '  const token = "sesame";',
      '  return cart.sum(parameters.extra);',
      '}',
    ].join('\n');
    const result = await run({ workflow_code: code, parameters: { extra: 6 }, capture_locals: true });
    expect(result).toMatchObject({ error_type: 'RangeError', variables: { step: 'one' } });
    expect(result.failure?.evidence.locals).toMatchObject([
      { line: 5, function: 'total', variables: { item: 6, part: 18, sum: 27, list: [1, 2, 6], rate: 3 } },
      { line: 2, function: 'sum', variables: { extra: 6, all: [1, 2, 6] } },
      { line: 12, function: 'run', variables: { token: '<redacted>', cart: { items: [1, 2] } } },
    ]);
    expect(JSON.stringify(result.failure?.evidence.locals)).not.toContain('sesame');
    const plain = await run({ workflow_code: code, parameters: { extra: 6 } });
    expect(plain.failure?.evidence).not.toHaveProperty('locals');
  });

  it('shows them for scripts, rejections and errors that come late', async () => {
    const called = await script('function f(a) { const b = a + 1; throw new Error("x") }\nf(1);', {
      capture_locals: true,
    });
    expect(called.failure?.evidence.locals?.[0]).toMatchObject({
      line: 1,
      function: 'f',
      variables: { a: 1, b: 2 },
    });
    const late = await run({
      workflow_code:
        'export default () => new Promise(() => setTimeout(() => { const t = 9; throw new Error("late") }, 5))',
      capture_locals: true,
    });
    expect(late.failure?.evidence.locals?.[0]).toMatchObject({ variables: { t: 9 } });
    const deep = await run({
      workflow_code:
        'async function deep(q) { const w = q + 1; await null; throw `text ${w}` }\nexport default async () => { await deep(1) }',
      capture_locals: true,
    });
    expect(deep.failure?.evidence.locals?.[0]).toMatchObject({ function: 'deep', variables: { q: 1, w: 2 } });
  });

  it('changes nothing else when locals are asked for', async () => {
    const fine = await run({ workflow_code: 'export default () => 42', capture_locals: true });
    expect(fine).toMatchObject({ status: 'succeeded', result: 42 });
    const missing = await run({
      workflow_code: 'import "./nowhere.js"; export default 1',
      capture_locals: true,
    });
    expect(missing.failure?.code).toBe('MODULE_NOT_FOUND');
    const stuck = await run({
      workflow_code: `export default () => { for (;;) ${NAP}; }`,
      capture_locals: true,
      timeout_seconds: 3,
    });
    expect(stuck).toMatchObject({ status: 'timed_out', failure: { evidence: { blocked_at: { line: 1 } } } });
    const handled = await run({
      workflow_code:
        'export default () => { process.on("unhandledRejection", () => {}); Promise.reject(1); return 7 }',
      capture_locals: true,
    });
    expect(handled).toMatchObject({ status: 'succeeded', result: 7 });
  });
});
