import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { access, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackagesOverview, PackagesStatus } from '../../../src/contract/packages.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { sha256 } from '../../../src/lib/sha256.js';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { aContext } from '../../support/builders.js';
import { type CommandResult, startCommand } from '../../support/processes/command.js';
import { startGate } from '../../support/servers/gate.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { startRegistry, type TestPackage, type TestRegistry } from '../../support/servers/registry.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

/** CommonJS, with a part that can be loaded later. */
const plain = (version: string): TestPackage => ({
  name: 'plain',
  version,
  files: { 'index.js': `exports.version = '${version}';`, 'late.js': `exports.late = '${version}';` },
});

const MARK = join(tmpdir(), `bifrost-test-postinstall-${process.pid}`);
const PACKAGES: readonly TestPackage[] = [
  plain('1.0.0'),
  plain('2.0.0'),
  {
    name: 'modern',
    version: '3.1.0',
    manifest: {
      type: 'module',
      exports: { '.': './main.js', './deep': './lib/deep.js' },
      dependencies: { inner: '^1.0.0' },
    },
    files: {
      'main.js': 'export { inner } from "inner"; export { deep } from "./lib/deep.js";',
      'lib/deep.js': 'export const deep = "deep";',
    },
  },
  { name: 'inner', version: '1.2.0', files: { 'index.js': 'exports.inner = "inner";' } },
  { name: '@team/tool', version: '1.0.0', files: { 'index.js': 'module.exports = "tool";' } },
  { name: 'slow', version: '1.0.0', files: { 'index.js': 'module.exports = "slow";' } },
  {
    name: 'scripted',
    version: '1.0.0',
    manifest: { scripts: { postinstall: `touch ran-by-postinstall ${MARK}` } },
    files: { 'index.js': 'module.exports = "scripted";' },
  },
];

const redis = useRedis({ persistent: true });
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const keys = new RedisKeys('');
let registry: TestRegistry;
let producer: Producer;
let folder: string;
let running: WorkerProcess[] = [];

beforeAll(async () => {
  registry = await startRegistry(PACKAGES);
  producer = makeProducer();
});
afterAll(async () => {
  await registry.stop();
  await rm(MARK, { force: true });
});
beforeEach(async () => {
  // Where the path has no symbolic link: the runner may read the real one only.
  folder = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-test-packages-'));
  await redis.connect().del(keys.requirements());
  registry.requests.length = 0;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
  await removeTree(folder);
});

/** A worker with this folder of packages, as soon as it listens. */
async function worker(id: string, env: Record<string, string> = {}): Promise<WorkerProcess> {
  const started = await startWorker({
    env: { REDIS_URL: redis.url, PACKAGES_DIR: folder, NPM_REGISTRY: registry.url, CONCURRENCY: '2', ...env },
    args: ['--id', id],
  });
  running.push(started);
  return started;
}

const isReady = (one: WorkerProcess): Promise<unknown> =>
  until(async () => (await fetch(`${one.url}/health/ready`)).ok, {
    what: 'the worker is ready',
  });

const readyWorker = async (id: string, env?: Record<string, string>): Promise<WorkerProcess> => {
  const started = await worker(id, env);
  await isReady(started);
  return started;
};

/** Publishes as any producer may, past the API and its checks. */
async function publish(content: string): Promise<void> {
  const manifest = JSON.stringify({ content, hash: sha256(content) });
  await redis.connect().set(keys.requirements(), manifest);
  await redis.connect().publish(keys.requirementsChanged(), '');
}

const put = (one: WorkerProcess, body: unknown): Promise<Response> =>
  fetch(`${one.url}/packages`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const overview = async (one: WorkerProcess): Promise<PackagesOverview> =>
  (await (await fetch(`${one.url}/packages`)).json()) as PackagesOverview;

/** What a worker has of the manifest that stands now, as soon as it is done with it. */
const settled = (asked: WorkerProcess, id: string, content: string): Promise<PackagesStatus> =>
  until(
    async () => {
      const found = (await overview(asked)).workers.find((one) => one.worker_id === id)?.status;
      return found?.manifest_hash === sha256(content) && found.state !== 'installing' ? found : null;
    },
    { what: `${id} is done with the manifest` },
  );

const submit = (code: string, timeout_seconds = 60): Promise<string> =>
  producer.submitExecution(aContext({ workflow_code: code, timeout_seconds }));

const run = async (code: string): Promise<ExecutionResult> => producer.executionResult(await submit(code));

const bifrost = (one: WorkerProcess, ...args: string[]): Promise<CommandResult> =>
  startCommand(['packages', ...args], { BIFROST_URL: one.url }).ended;

async function manifestFile(content: string): Promise<string> {
  const path = join(folder, 'manifest.txt');
  await writeFile(path, content);
  return path;
}

describe('packages of the manifest', () => {
  const manifest = 'plain@1.0.0\nmodern@^3\n@team/tool';

  it('are there for inline code and for workspace modules, ESM and CommonJS', async () => {
    await publish(manifest);
    await readyWorker('w1');
    const esm = `import plain, { version } from 'plain';
      import { inner } from 'modern';
      import { deep } from 'modern/deep';
      import tool from '@team/tool';
      export default () => [plain.version, version, inner, deep, tool];`;
    const inline = await run(esm);
    expect(inline).toMatchObject({ success: true, result: ['1.0.0', '1.0.0', 'inner', 'deep', 'tool'] });
    const cjs = await run(`const { version } = require('plain'); const { deep } = require('modern');
      module.exports = () => [version, deep, require('@team/tool')];`);
    expect(cjs).toMatchObject({ success: true, result: ['1.0.0', 'deep', 'tool'] });

    await publishWorkspace({
      'flows/main.ts': `import { all } from './parts'; export const main = () => all();`,
      'flows/parts.ts': esm.replace('export default', 'export const all ='),
    });
    const id = await producer.submitExecution(
      aContext({ workflow_code: null, file_path: 'flows/main.ts', function_name: 'main' }),
    );
    const stored = await producer.executionResult(id);
    expect(stored).toMatchObject({ success: true, result: inline.result, package_set: inline.package_set });
    expect(stored.package_set).toEqual(expect.any(String));
  });

  it('are installed once: a second start asks the registry for nothing', async () => {
    await publish(manifest);
    const first = await readyWorker('first');
    const { set } = await settled(first, 'first', manifest);
    await first.stop();
    registry.requests.length = 0;
    const second = await readyWorker('second');
    expect(await settled(second, 'second', manifest)).toMatchObject({ state: 'ready', set });
    expect((await run(`import { version } from 'plain'; export default () => version;`)).package_set).toBe(
      set,
    );
    expect(registry.requests).toEqual([]);
  });

  it('do not take each other down when one of five does not exist', async () => {
    const one = await readyWorker('w1');
    const file = await manifestFile('plain@2.0.0\nmodern\nno-such-package\n@team/tool\nslow');
    const set = await bifrost(one, 'set', file, '--wait');
    expect(set).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('1 of 1 workers done, 1 with failures'),
    });
    expect(set.stdout).toContain('no-such-package@latest (line 3): not installed, on w1:\n');

    const four = `import { version } from 'plain'; import { deep } from 'modern';
      import tool from '@team/tool'; import slow from 'slow'; export default () => [version, deep, tool, slow];`;
    expect((await run(four)).result).toEqual(['2.0.0', 'deep', 'tool', 'slow']);
    const fifth = await run(`import 'no-such-package'; export default () => 1;`);
    expect(fifth).toMatchObject({
      success: false,
      error_type: 'PackageInstallFailed',
      failure: {
        code: 'PACKAGE_INSTALL_FAILED',
        message: expect.stringMatching(/asks for no-such-package@latest, which could not be installed: /),
      },
    });
    const caught = `export default () => import('no-such-package').catch((error) => error.code);`;
    expect((await run(caught)).result).toBe('ERR_MODULE_NOT_FOUND');

    const status = await bifrost(one, 'status');
    expect(status.stdout).toMatch(/^w1 +ready +- +[0-9a-f]{12} +4 +1$/m);
    expect(status.stdout).toMatch(
      /no-such-package@latest \(line 3\): not installed, on w1:\n {2}.*(404|not found)/i,
    );
    const list = await bifrost(one, 'list');
    expect(list.stdout).toMatch(/^plain +2\.0\.0 +2\.0\.0 +1\/1$/m);
    expect(list.stdout).toMatch(/^no-such-package +latest +- +0\/1$/m);

    const health = (await (await fetch(`${one.url}/health/ready`)).json()) as { details: object };
    expect(health.details).toMatchObject({
      packages: { status: 'up', state: 'ready', failed: ['no-such-package@latest'] },
    });
  });

  it('run no script of a package', async () => {
    await publish('scripted');
    const one = await readyWorker('w1');
    const { set } = await settled(one, 'w1', 'scripted');
    expect((await run(`import s from 'scripted'; export default () => s;`)).result).toBe('scripted');
    expect(await exists(join(folder, 'sets', set as string, 'node_modules/scripted/index.js'))).toBe(true);
    expect(
      await exists(join(folder, 'sets', set as string, 'node_modules/scripted/ran-by-postinstall')),
    ).toBe(false);
    expect(await exists(MARK)).toBe(false);
  });
});

describe('a manifest that changes while 20 executions run', () => {
  it('fails none of them: they keep their set, later ones report the new one', async () => {
    const before = 'plain@1.0.0';
    const after = 'plain@2.0.0\nmodern';
    await publish(before);
    const one = await readyWorker('w1', { CONCURRENCY: '21', SPARE_RUNNERS: '2', NETWORK: 'open' });
    const { set: old } = await settled(one, 'w1', before);
    const gate = await startGate();
    try {
      const code = `import { version } from 'plain';
        export default async () => {
          await (await fetch('${gate.url}')).text();
          return [version, (await import('plain/late.js')).late];
        };`;
      const ids = await Promise.all(Array.from({ length: 20 }, () => submit(code)));
      await until(() => gate.waiting === 20, { what: '20 executions wait at the gate' });
      expect((await put(one, { content: after })).status).toBe(200);
      const { set: young } = await settled(one, 'w1', after);
      const later = await run(`import { version } from 'plain'; export default () => version;`);
      expect(later).toMatchObject({ success: true, result: '2.0.0', package_set: young });
      expect(gate.waiting).toBe(20);

      gate.open();
      const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
      for (const result of results) {
        expect(result).toMatchObject({ success: true, result: ['1.0.0', '1.0.0'], package_set: old });
      }
      expect(young).not.toBe(old);
    } finally {
      await gate.close();
    }
  });
});

describe('a hostile manifest', () => {
  const hostile = [
    'left-pad@1.3.0 --registry=http://evil',
    'git+ssh://x/y',
    '../../x',
    'x; rm -rf /',
    'plain@file:/etc',
    'plain@npm:other@1',
    '-g',
    'pl\u0430in',
  ];

  it('is refused by HTTP with line and reason, and nothing of it is published', async () => {
    const one = await readyWorker('w1');
    expect((await put(one, { content: 'plain@1.0.0' })).status).toBe(200);
    await settled(one, 'w1', 'plain@1.0.0');
    registry.requests.length = 0;
    const answer = await put(one, { content: ['modern', ...hostile].join('\n') });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const { errors } = (await answer.json()) as { errors: Record<string, unknown>[] };
    expect(errors).toEqual(
      hostile.map((_, index) => ({
        field: 'content',
        line: index + 2,
        code: 'PACKAGE_REFUSED',
        message: expect.stringMatching(new RegExp(`^line ${index + 2}: .+: .{10,}`)),
      })),
    );
    const reasons = ['option', 'git spec', 'path', 'option', 'local path', 'alias', 'option', 'U\\+0430'];
    errors.forEach(({ message }, index) => expect(message).toMatch(new RegExp(reasons[index] as string)));
    expect(await overview(one)).toMatchObject({ content: 'plain@1.0.0', refused: [] });
    expect(registry.requests).toEqual([]);

    const set = await bifrost(one, 'set', await manifestFile('modern\nx; rm -rf /\n'));
    expect(set).toMatchObject({ code: 2, stderr: expect.stringContaining('content: line 2: x; rm -rf /: ') });
  });

  it('that comes past the API has its good lines installed and its bad ones named', async () => {
    const manifest = ['plain@1.0.0', ...hostile].join('\n');
    await publish(manifest);
    const one = await readyWorker('w1');
    const { failed, installed } = await settled(one, 'w1', manifest);
    expect(installed).toEqual([{ name: 'plain', version: '1.0.0' }]);
    expect(failed.map(({ line, phase }) => [line, phase])).toEqual(
      hostile.map((_, at) => [at + 2, 'refused']),
    );
    expect(new Set(registry.requests)).toEqual(new Set(['plain', 'plain/-/1.0.0.tgz']));
    const ready = (await (await fetch(`${one.url}/health/ready`)).json()) as { details: object };
    expect(JSON.stringify(ready)).not.toContain('evil');
    expect(ready.details).toMatchObject({ packages: { failed: expect.arrayContaining(['line 2']) } });
  });

  it.each([
    ['no content', {}, 'content'],
    ['a list', { content: ['plain'] }, 'content'],
    ['too much', { content: 'x'.repeat(1_048_577) }, 'content'],
  ])('with %s names the field', async (_what, body, field) => {
    const one = await worker('w1', { ROLES: 'api' });
    const answer = await put(one, body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field, message: expect.any(String) }] });
  });
});

describe('a start', () => {
  it('without Redis says so and is not ready, and is complete when Redis is there', async () => {
    await publish('plain@1.0.0');
    await redis.stop();
    const one = await worker('w1');
    try {
      await until(() => one.logs.some(({ msg }) => msg?.includes('waits for Redis')), {
        what: 'the worker says that it waits',
      });
      expect(one.running).toBe(true);
      expect((await fetch(`${one.url}/health/live`)).status).toBe(200);
      expect((await fetch(`${one.url}/health/ready`)).status).toBe(503);
      const asked = await fetch(`${one.url}/packages`);
      expect(asked.status).toBe(503);
    } finally {
      await redis.start();
    }
    await isReady(one);
    await settled(one, 'w1', 'plain@1.0.0');
    expect((await run(`import { version } from 'plain'; export default () => version;`)).result).toBe(
      '1.0.0',
    );
  });

  it('after SIGKILL in the middle of an install does the install again and completes it', async () => {
    const manifest = 'plain@1.0.0\nslow';
    await publish(manifest);
    const release = registry.hold('slow');
    try {
      const killed = await worker('w1');
      await registry.asked('slow');
      expect((await fetch(`${killed.url}/health/ready`)).status).toBe(503);
      await killed.kill9();
      expect(await readdir(join(folder, 'sets'))).toEqual([]);
      expect(await readdir(join(folder, 'staging'))).toHaveLength(1);
    } finally {
      release();
    }
    const one = await readyWorker('w1');
    const { set, failed } = await settled(one, 'w1', manifest);
    expect(failed).toEqual([]);
    const both = `import { version } from 'plain'; import slow from 'slow'; export default () => [version, slow];`;
    expect(await run(both)).toMatchObject({ result: ['1.0.0', 'slow'], package_set: set });
    expect(await readdir(join(folder, 'sets'))).toEqual([set]);
    await until(async () => (await readdir(join(folder, 'staging'))).length === 0, {
      what: 'what the killed install left is gone',
    });
  });

  it('without a manifest leaves the folder and the log alone', async () => {
    const one = await readyWorker('w1', { PACKAGES_DIR: join(folder, 'never-made') });
    expect((await run('export default () => 1;')).package_set).toBeNull();
    await one.stop();
    expect(one.output.filter((line) => /package|manifest/i.test(line))).toEqual([]);
    expect(await exists(join(folder, 'never-made'))).toBe(false);
  });
});

describe('bifrost packages', () => {
  it('rolls out to every worker, also by way of a process that is none', async () => {
    const api = await worker('api', { ROLES: 'api' });
    await Promise.all([readyWorker('w1'), readyWorker('w2')]);
    const release = registry.hold('slow');
    const command = startCommand(['packages', 'set', await manifestFile('plain@1.0.0\nslow\n'), '--wait'], {
      BIFROST_URL: api.url,
    });
    try {
      await registry.asked('slow');
      const installing = await until(
        async () => {
          const { stdout } = await bifrost(api, 'status');
          return /^w[12] +installing +\d+ %/m.test(stdout) ? stdout : null;
        },
        { what: 'a worker is seen to install' },
      );
      expect(installing).toMatch(/^installing \[#*-+\] \d+ %, 0 of 2 workers done$/m);
      const { workers } = (await (await fetch(`${api.url}/workers`)).json()) as { workers: object[] };
      expect(workers).toMatchObject([{ package_set: null }, { package_set: null }]);
    } finally {
      release();
    }
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0, stdout: 'published 2 packages to 2 live workers\n' });
    expect(ended.stderr).toMatch(/2 of 2 workers done\n$/);
    expect(registry.requests.filter((path) => path.endsWith('.tgz')).toSorted()).toEqual([
      'plain/-/1.0.0.tgz',
      'slow/-/1.0.0.tgz',
    ]);
  });

  it('reads a package.json and takes all packages away again with an empty file', async () => {
    const one = await readyWorker('w1');
    const json = await manifestFile(JSON.stringify({ name: 'mine', dependencies: { modern: '^3.0.0' } }));
    expect(await bifrost(one, 'set', json, '--wait')).toMatchObject({ code: 0 });
    expect((await run(`import { deep } from 'modern'; export default () => deep;`)).result).toBe('deep');
    expect(await bifrost(one, 'set', await manifestFile(''), '--wait')).toMatchObject({ code: 0 });
    expect((await run('export default () => 1;')).package_set).toBeNull();
    expect((await bifrost(one, 'list')).stdout).toBe('no manifest: executions run without packages\n');
  });
});

async function publishWorkspace(files: Record<string, string>): Promise<void> {
  const client = redis.connect();
  for (const [path, source] of Object.entries(files)) {
    await client.set(keys.workspaceBlob(sha256(source)), source);
    await client.hset(keys.workspaceGeneration(1), path, sha256(source));
  }
  await client.set(keys.workspaceCurrent(), '1');
  await client.publish(keys.workspaceChanged(), '1');
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
