import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { startCommand } from '../../support/processes/command.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { startRegistry, type TestRegistry } from '../../support/servers/registry.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let worker: WorkerProcess;
let registry: TestRegistry;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-test-workspace-'));
  registry = await startRegistry([
    { name: 'plain', version: '1.0.0', files: { 'index.js': 'exports.name = "plain";' } },
  ]);
  producer = makeProducer();
  worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      CONCURRENCY: '8',
      NPM_REGISTRY: registry.url,
      PACKAGES_DIR: join(folder, 'packages'),
    },
  });
});
afterAll(async () => {
  await registry.stop();
  await removeTree(folder);
});

interface Publication {
  generation: number;
}

async function publish(files: Record<string, string>): Promise<number> {
  const response = await fetch(`${worker.url}/workspace`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as Publication).generation;
}

const submit = (file_path: string, changes: Partial<ExecutionContext> = {}): Promise<string> =>
  producer.submitExecution({ file_path, function_name: 'run', timeout_seconds: 20, ...changes });

const run = async (file_path: string, changes: Partial<ExecutionContext> = {}): Promise<ExecutionResult> =>
  producer.executionResult(await submit(file_path, changes));

async function write(dir: string, files: Record<string, string>): Promise<void> {
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), source);
  }
}

describe('after a push', () => {
  it('an execution that is sent at once runs the new code', async () => {
    const dir = join(folder, 'changing');
    for (const version of [1, 2, 3, 4, 5]) {
      await write(dir, {
        'main.ts': `import { version } from './lib/version'; export const run = (): number => version;`,
        'lib/version.ts': `export const version: number = ${version};`,
      });
      const pushed = await startCommand(['workspace', 'push', dir], { BIFROST_URL: worker.url }).ended;
      expect(pushed).toMatchObject({ code: 0, stderr: '' });
      const result = await run('main.ts');
      expect(result.result).toBe(version);
      expect(pushed.stdout).toContain(`published generation ${result.workspace_generation}:`);
    }
  });

  it('executions that run meanwhile see one generation each', async () => {
    // late.ts is not shipped ahead: its name is computed, so the runner asks for it long after the start.
    const generationOf = (version: number): Record<string, string> => ({
      'mix/main.ts': `
        import { version } from './early';
        export async function run({ wait }: { wait: number }): Promise<number> {
          for (const part of ['late', 'later']) {
            await new Promise((resolve) => setTimeout(resolve, wait));
            const { version: other } = await import('./' + part);
            if (other !== version) throw new Error('mixed ' + version + ' with ' + other);
          }
          return version;
        }`,
      'mix/early.ts': `export const version = ${version};`,
      'mix/late.ts': `export const version = ${version};`,
      'mix/later.ts': `export const version = ${version};`,
    });
    const numbers = new Map([[await publish(generationOf(0)), 0]]);
    const ids: string[] = [];
    for (let version = 1; version <= 25; version += 1) {
      ids.push(await submit('mix/main.ts', { parameters: { wait: version * 5 } }));
      numbers.set(await publish(generationOf(version)), version);
      ids.push(await submit('mix/main.ts', { parameters: { wait: 100 - version } }));
      // So that executions begin between the switches, however slow they are.
      if (version % 5 === 0) await producer.executionResult(ids.at(-1) as string);
    }
    const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
    expect(results.filter(({ success }) => !success).map(({ error }) => error)).toEqual([]);
    for (const { result, workspace_generation: generation } of results) {
      expect(result).toBe(numbers.get(generation as number));
    }
    // Else nothing was running during a switch.
    expect(new Set(results.map(({ result }) => result)).size).toBeGreaterThan(3);
  });

  it('an execution that names a generation runs against it, or not at all', async () => {
    const source = (version: number): string => `export const run = () => ${version};`;
    const first = await publish({ 'pinned.ts': source(1) });
    await publish({ 'pinned.ts': source(2) });
    const pinned = await run('pinned.ts', { workspace_generation: first });
    expect(pinned).toMatchObject({ result: 1, workspace_generation: first });
    expect(await run('pinned.ts', { workspace_generation: 9999 })).toMatchObject({
      success: false,
      failure: { code: 'MODULE_NOT_FOUND', message: expect.stringContaining('generation 9999') },
    });
  });
});

describe('an error three modules deep', () => {
  it('shows the line and column of its TypeScript source, which is on no disk', async () => {
    await publish({
      'workflows/deep.ts': `import { outer } from '../lib/outer';\nexport const run = () => outer();`,
      'lib/outer.ts': `import { inner } from './inner';\nexport const outer = () => inner();`,
      'lib/inner.ts': `import { fail } from './deep';\nexport const inner = () => fail({ reason: 'boom' });`,
      'lib/deep.ts': `interface Cause {\n  reason: string;\n}\n\nexport function fail(cause: Cause): never {\n  throw new TypeError(cause.reason);\n}`,
    });
    const { failure, error_type: type } = await run('workflows/deep.ts');
    expect(type).toBe('TypeError');
    expect(failure?.stack).toContain('/tmp/bifrost/workspace/lib/deep.ts:6:9)');
    expect(failure?.stack).toContain('/tmp/bifrost/workspace/lib/inner.ts:2:28)');
    expect(existsSync('/tmp/bifrost/workspace')).toBe(false);
  });
});

describe('a CommonJS module reached through import()', () => {
  it('requires another workspace module and a package', async () => {
    const put = await fetch(`${worker.url}/packages`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'plain@1.0.0' }),
    });
    expect(put.ok).toBe(true);
    await publish({
      'cjs/main.ts': `export const run = async () => (await import('./' + 'legacy.cjs')).default;`,
      'cjs/legacy.cjs': `module.exports = { own: require('./other').own, packaged: require('plain').name };`,
      'cjs/other.cjs': `exports.own = 'workspace';`,
    });
    await until(
      async () => {
        const status: unknown = await (await fetch(`${worker.url}/packages`)).json();
        return JSON.stringify(status).includes('"ready"');
      },
      { what: 'the package is installed' },
    );
    expect((await run('cjs/main.ts')).result).toEqual({ own: 'workspace', packaged: 'plain' });
  });
});

describe('an import', () => {
  it('of nothing names the importing file and line, and the nearest path', async () => {
    await publish({
      'a.ts': `const one = 1;\nimport { money } from './shared/mony';\nexport const run = () => money(one);`,
      'shared/money.ts': 'export const money = (n: number) => n;',
    });
    expect((await run('a.ts')).failure).toMatchObject({
      code: 'MODULE_NOT_FOUND',
      message: 'Cannot find "./shared/mony", imported by a.ts:2:23. Did you mean shared/money.ts?',
    });
  });

  it.each([
    ['../../etc/passwd', 'leaves the workspace'],
    ['file:///etc/passwd', 'file:'],
    ['data:text/javascript,export default 1', 'data:'],
    ['http://127.0.0.1:1/a.js', 'http:'],
  ])('of %s is refused by name, static and dynamic', async (specifier, reason) => {
    const text = JSON.stringify(specifier);
    await publish({
      'static.ts': `import * as all from ${text};\nexport const run = () => all;`,
      'dynamic.ts': `export const run = ({ name }: { name: string }) => import(name);`,
    });
    for (const result of [
      await run('static.ts'),
      await run('dynamic.ts', { parameters: { name: specifier } }),
    ]) {
      expect(result.failure?.code).toBe('MODULE_NOT_FOUND');
      expect(result.failure?.message).toContain(`The import of ${text} in `);
      expect(result.failure?.message).toContain('is refused');
      expect(result.failure?.message).toContain(reason);
    }
  });
});
