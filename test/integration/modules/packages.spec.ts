import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings, type Settings } from '../../../src/config/settings.js';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { parseManifest } from '../../../src/packages/manifest.js';
import { openPackageSets } from '../../../src/packages/packages.module.js';
import { PackagesService } from '../../../src/packages/packages.service.js';
import { PackagesStore } from '../../../src/packages/packages.store.js';
import { SetFolders } from '../../../src/packages/sets/set-folders.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { startRegistry, type TestPackage, type TestRegistry } from '../../support/servers/registry.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { packagesSettings } from '../../../src/config/slices.js';

const TOKEN = 'npm-token-of-the-tests';
const PACKAGES: readonly TestPackage[] = [
  { name: 'chunky', version: '4.17.21', files: { 'index.js': 'exports.two = () => 2;' } },
  { name: 'chunky', version: '5.0.0', files: { 'index.js': 'exports.two = () => "two";' } },
  {
    name: 'schemes',
    version: '4.1.0',
    manifest: {
      type: 'module',
      exports: { '.': './main.js', './mini': './mini.js' },
      dependencies: { inner: '^1.0.0' },
    },
    files: { 'main.js': 'export { inner } from "inner";', 'mini.js': 'export const mini = 1;' },
  },
  {
    name: 'inner',
    version: '1.2.3',
    manifest: { type: 'module' },
    files: { 'index.js': 'export const inner = 3;' },
  },
  { name: '@team/tool', version: '1.0.0' },
  { name: 'slow', version: '1.0.0' },
  {
    name: 'scripted',
    version: '1.0.0',
    manifest: {
      scripts: { postinstall: 'touch ran-by-postinstall "$INIT_CWD/ran" /tmp/bifrost-test-postinstall' },
    },
  },
  { name: 'broken', version: '1.0.0', files: { 'index.js': 'throw new Error("cannot be imported");' } },
  { name: 'quitter', version: '1.0.0', files: { 'index.js': 'process.exit(0);' } },
  {
    name: 'nosy',
    version: '1.0.0',
    files: { 'index.js': 'require("fs").readFileSync("/etc/hostname"); require("child_process");' },
  },
  {
    name: 'bystander',
    version: '1.0.0',
    manifest: { dependencies: { sneaky: 'git+ssh://git@127.0.0.1/x.git' } },
  },
  { name: 'host', version: '1.0.0' },
  { name: 'host', version: '2.0.0' },
  { name: 'plugin-a', version: '1.0.0', manifest: { peerDependencies: { host: '^1.0.0' } } },
  { name: 'plugin-b', version: '1.0.0', manifest: { peerDependencies: { host: '^2.0.0' } } },
];

const never = new AbortController().signal;
let registry: TestRegistry;
let root: string;

beforeAll(async () => {
  registry = await startRegistry(PACKAGES, TOKEN);
});
afterAll(async () => {
  await registry.stop();
});
beforeEach(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-packages-'));
  registry.requests.length = 0;
});
afterEach(async () => {
  await removeTree(root);
});

const settingsOf = (changes: Record<string, string> = {}): Settings =>
  parseSettings({
    REDIS_URL: 'redis://unused',
    WORKER_ID: 'w1',
    PACKAGES_DIR: root,
    NPM_REGISTRY: registry.url,
    NPM_TOKEN: TOKEN,
    ...changes,
  });

async function install(content: string, retry = false) {
  const folders = new SetFolders(root);
  await folders.prepare();
  const { entries } = parseManifest(content, 100);
  return await openPackageSets(packagesSettings.of(settingsOf()), folders).ensure(entries, {
    signal: never,
    onProgress: () => undefined,
    retry,
  });
}

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** What a plain Node says when it runs this module in the folder of a set. */
async function evaluate(dir: string, code: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  await once(child, 'close');
  return out.trim();
}

describe('installing a package set', () => {
  it('makes a read-only folder that CommonJS and ESM can be imported from, and installs nothing twice', async () => {
    const first = await install('chunky@4.17.21\nschemes@^4');
    expect(first.failed).toEqual([]);
    expect(first.set?.installed).toEqual([
      { name: 'chunky', version: '4.17.21' },
      { name: 'schemes', version: '4.1.0' },
    ]);
    const dir = first.set?.dir as string;
    const code =
      'import { two } from "chunky"; import { inner } from "schemes"; import { mini } from "schemes/mini"; console.log(two(), inner, mini)';
    expect(await evaluate(dir, code)).toBe('2 3 1');
    expect(createRequire(join(dir, 'x.js')).resolve('chunky')).toBe(
      join(dir, 'node_modules', 'chunky', 'index.js'),
    );
    for (const part of ['', 'set.json', 'node_modules', 'node_modules/chunky/index.js']) {
      expect((await stat(join(dir, part))).mode & 0o222).toBe(0);
    }
    registry.requests.length = 0;
    expect(await install('# the same\nschemes@4.x\nchunky@4.17.21')).toMatchObject({
      set: first.set,
      failed: [],
    });
    expect(registry.requests).toEqual([]);
    expect(await readdir(join(root, 'staging'))).toEqual([]);
    // What V8 compiled of npm is there for its next run.
    expect(await readdir(join(root, 'npm-cache', '_compiled'))).not.toEqual([]);
  });

  it('installs the other four when one of five does not exist, and says what npm said', async () => {
    const manifest = 'chunky\nschemes\n@team/tool\nno-such-package@1.0.0\ninner';
    const outcome = await install(manifest);
    expect(outcome.set?.installed.map((one) => one.name)).toEqual([
      'chunky',
      'schemes',
      '@team/tool',
      'inner',
    ]);
    expect(outcome.failed).toEqual([
      {
        spec: 'no-such-package@1.0.0',
        line: 4,
        phase: 'install',
        reason: expect.stringMatching(/E404[^]*no-such-package/),
      },
    ]);
    registry.requests.length = 0;
    expect(await install(manifest)).toMatchObject({ set: outcome.set, failed: outcome.failed });
    expect(registry.requests).toEqual([]);
    expect(await install(manifest, true)).toMatchObject({ set: outcome.set });
    expect(new Set(registry.requests)).toEqual(new Set(['no-such-package']));
  });

  it('installs what was missing when it is there at last', async () => {
    const before = await install('chunky\nlatecomer@1');
    expect(before.failed).toHaveLength(1);
    registry.publish({ name: 'latecomer', version: '1.0.0' });
    const after = await install('chunky\nlatecomer@1', true);
    expect(after.failed).toEqual([]);
    expect(after.set?.installed.map((one) => one.name)).toEqual(['chunky', 'latecomer']);
  });

  it('separates packages that do not go together', async () => {
    const outcome = await install('host@1\nplugin-a\nplugin-b\nchunky');
    expect(outcome.set?.installed.map((one) => one.name)).toEqual(['host', 'plugin-a', 'chunky']);
    expect(outcome.failed).toEqual([
      expect.objectContaining({
        spec: 'plugin-b@latest',
        line: 3,
        reason: expect.stringContaining('does not go with'),
      }),
    ]);
  });

  it('runs no script of a package', async () => {
    const outcome = await install('scripted');
    expect(outcome.failed).toEqual([]);
    expect(await exists(join(outcome.set?.dir as string, 'node_modules/scripted/ran-by-postinstall'))).toBe(
      false,
    );
    expect(await exists('/tmp/bifrost-test-postinstall')).toBe(false);
  });

  it('fetches nothing from outside the registry, also for what a package depends on', async () => {
    const outcome = await install('chunky\nbystander');
    expect(outcome.set?.installed.map((one) => one.name)).toEqual(['chunky']);
    expect(outcome.failed).toMatchObject([{ spec: 'bystander@latest', phase: 'install' }]);
  });

  it('keeps packages that cannot be imported, and says so', async () => {
    const outcome = await install('chunky\nbroken\nquitter\nnosy');
    expect(outcome.set?.installed).toHaveLength(4);
    expect(outcome.failed).toEqual([
      { spec: 'broken@latest', line: 2, phase: 'import', reason: 'cannot be imported' },
      {
        spec: 'quitter@latest',
        line: 3,
        phase: 'import',
        reason: expect.stringContaining('ended the process'),
      },
      { spec: 'nosy@latest', line: 4, phase: 'import', reason: expect.stringContaining('ERR_ACCESS_DENIED') },
    ]);
  });

  it('leaves the token nowhere, neither on disk nor in what it reports', async () => {
    const outcome = await install('chunky\nno-such-package');
    expect(JSON.stringify(outcome)).not.toContain(TOKEN);
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toContain(TOKEN);
    }
  });

  it('installs a damaged set again', async () => {
    const { set } = await install('chunky@5');
    await removeTree(join(set?.dir as string, 'node_modules', 'chunky'));
    const again = await install('chunky@5');
    expect(again.set).toEqual(set);
    expect(await evaluate(set?.dir as string, 'import { two } from "chunky"; console.log(two())')).toBe(
      'two',
    );
  });

  it('is done once when several ask at the same time', async () => {
    const outcomes = await Promise.all([install('chunky@4'), install('chunky@4'), install('chunky@4')]);
    expect(new Set(outcomes.map((one) => one.set?.id)).size).toBe(1);
    expect(registry.requests.filter((path) => path.includes('/-/'))).toEqual(['chunky/-/4.17.21.tgz']);
  });
});

describe('SIGKILL in the middle of an install', () => {
  it('leaves no half set and no npm, and the next install completes', async () => {
    const program = join(root, 'install-packages.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../../support/install-packages.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['@nestjs/*', 'ioredis'],
      plugins: [],
      absWorkingDir: process.cwd(),
      logLevel: 'silent',
      packages: 'external',
    });
    // Bare imports of the bundle are resolved from where it stands.
    const inside = join(process.cwd(), 'node_modules', `.bifrost-test-${process.pid}.mjs`);
    await writeFile(inside, await readFile(program));
    const release = registry.hold('slow');
    const manifest = 'chunky@4.17.21\nslow@1.0.0';
    try {
      const child = spawn(process.execPath, [inside, manifest], {
        env: { PATH: process.env['PATH'], PACKAGES_DIR: root, NPM_REGISTRY: registry.url, NPM_TOKEN: TOKEN },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await registry.asked('slow');
      const npms = await childrenIn(root);
      expect(npms.length).toBeGreaterThan(0);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await until(() => npms.every((pid) => !isAlive(pid)), {
        what: 'npm is gone with the process that started it',
      });
      expect(await readdir(join(root, 'sets'))).toEqual([]);
    } finally {
      release();
      await removeTree(inside);
    }
    const folders = new SetFolders(root);
    expect(await readdir(join(root, 'staging'))).toHaveLength(1);
    expect(await folders.sweepStaging()).toBe(1);
    const { set, failed } = await install(manifest);
    expect(failed).toEqual([]);
    expect(set?.installed.map((one) => one.name)).toEqual(['chunky', 'slow']);
  });
});

/** Processes whose working folder is below this one. */
async function childrenIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const cwds = await Promise.all(pids.map(async (pid) => await readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, at) => cwds[at]?.startsWith(folder));
}

const ready = async (service: PackagesService, name: string) =>
  await until(
    () =>
      service.status.state === 'ready' &&
      service.status.installed.some((one) => `${one.name}@${one.version}` === name),
    { what: `${name} is ready` },
  );

describe('a worker', () => {
  const redis = useRedis({ persistent: true });
  const services: PackagesService[] = [];
  const keys = new RedisKeys('');

  const storeOf = () => new PackagesStore(redis.connect('patient'), redis.connect('impatient'), keys);
  const startWorker = (options: { intervalMs?: number; env?: Record<string, string> } = {}) => {
    const settings = settingsOf({ REDIS_URL: redis.url, ...options.env });
    const folders = new SetFolders(settings.PACKAGES_DIR);
    const service = new PackagesService(
      packagesSettings.of(settings),
      storeOf(),
      folders,
      openPackageSets(packagesSettings.of(settings), folders),
      options.intervalMs,
    );
    services.push(service);
    void service.start();
    return service;
  };
  beforeEach(async () => {
    await redis.connect().flushall();
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map(async (service) => await service.stop()));
  });

  it('has the set of the manifest when it has settled, reports to Redis, and a second start installs nothing', async () => {
    const store = storeOf();
    const { hash } = await store.publishManifest('chunky@4.17.21\nx; rm -rf /\nbroken');
    const first = startWorker();
    await first.settled();
    expect(first.status).toMatchObject({
      state: 'ready',
      manifest_hash: hash,
      installed: [
        { name: 'chunky', version: '4.17.21' },
        { name: 'broken', version: '1.0.0' },
      ],
      failed: [
        { line: 2, phase: 'refused' },
        { spec: 'broken@latest', line: 3, phase: 'import' },
      ],
    });
    expect(first.acquire()).toMatchObject({ id: first.status.set });
    await until(async () => (await store.listStatuses(['w1']))[0]?.status.state === 'ready', {
      what: 'the status is in Redis',
    });
    await first.stop();
    expect(await store.listStatuses(['w1'])).toEqual([]);

    registry.requests.length = 0;
    const second = startWorker();
    await second.settled();
    expect(second.status.set).toBe(first.status.set);
    expect(registry.requests).toEqual([]);
  });

  it.each([
    ['absent', null, 'none'],
    ['empty', JSON.stringify({ content: ' \n', hash: '' }), 'none'],
    ['not JSON', '{lodash', 'failed'],
    ['of another shape', '{"content":7}', 'failed'],
  ])('starts without packages when the manifest is %s', async (_, text, state) => {
    if (text !== null) await redis.connect().set(keys.requirements(), text);
    const service = startWorker();
    await service.settled();
    expect(service.status).toMatchObject({ state, set: null });
    expect(service.acquire()).toBeNull();
  });

  it('switches for new executions while those that run keep theirs, and rolls back at once', async () => {
    const store = storeOf();
    await store.publishManifest('chunky@4.17.21');
    const service = startWorker();
    await service.settled();
    const old = service.acquire();
    await store.publishManifest('chunky@5.0.0');
    await ready(service, 'chunky@5.0.0');
    const young = service.acquire();
    expect(young?.id).not.toBe(old?.id);
    expect(await evaluate(old?.dir as string, 'import { two } from "chunky"; console.log(two())')).toBe('2');
    expect(await evaluate(young?.dir as string, 'import { two } from "chunky"; console.log(two())')).toBe(
      'two',
    );

    registry.requests.length = 0;
    await store.publishManifest('chunky@4.17.21');
    await ready(service, 'chunky@4.17.21');
    expect(service.acquire()?.id).toBe(old?.id);
    expect(registry.requests).toEqual([]);
  });

  it('rolls back at once even while the newer set is being installed', async () => {
    const store = storeOf();
    await store.publishManifest('chunky@4.17.21');
    const service = startWorker();
    await service.settled();
    const release = registry.hold('slow');
    try {
      await store.publishManifest('slow@1.0.0\nchunky@5.0.0');
      await registry.asked('slow');
      expect(service.status).toMatchObject({ state: 'installing', installed: [{ version: '4.17.21' }] });
      expect(service.acquire()).not.toBeNull();
      await store.publishManifest('chunky@4.17.21');
      await ready(service, 'chunky@4.17.21');
    } finally {
      release();
    }
    expect(service.status.failed).toEqual([]);
  });

  it('notices a change whose message was lost', async () => {
    const service = startWorker({ intervalMs: 200 });
    await service.settled();
    await redis.connect().set(keys.requirements(), JSON.stringify({ content: 'chunky@5.0.0', hash: 'h' }));
    await ready(service, 'chunky@5.0.0');
  });

  it('never removes a set in use, and removes it once it is unused', async () => {
    const store = storeOf();
    const service = startWorker({ env: { PACKAGES_MAX_BYTES: '0' } });
    await store.publishManifest('chunky@4.17.21');
    await ready(service, 'chunky@4.17.21');
    const lease = service.acquire();
    await store.publishManifest('chunky@5.0.0');
    await ready(service, 'chunky@5.0.0');
    await store.publishManifest('inner@1.2.3');
    await ready(service, 'inner@1.2.3');
    await until(async () => (await readdir(join(root, 'sets'))).length === 2, {
      what: 'only the unused set is gone',
    });
    expect(await exists(join(lease?.dir as string, 'node_modules/chunky/index.js'))).toBe(true);
    lease?.release();
    lease?.release();
    await store.publishManifest('@team/tool@1.0.0');
    await ready(service, '@team/tool@1.0.0');
    await until(async () => !(await exists(lease?.dir as string)), { what: 'the released set is gone' });
  });

  it('keeps its set when nothing of a new manifest can be installed', async () => {
    const store = storeOf();
    await store.publishManifest('chunky@4.17.21');
    const service = startWorker();
    await service.settled();
    const before = service.status.set;
    await store.publishManifest('no-such-package');
    await until(() => service.status.state === 'failed', { what: 'the new manifest has failed' });
    expect(service.status).toMatchObject({
      set: before,
      failed: [{ spec: 'no-such-package@latest', line: 1 }],
    });
    expect(service.acquire()?.id).toBe(before);
  });

  it('starts without packages and says why when the registry is away', async () => {
    await storeOf().publishManifest('chunky@4.17.21\ninner');
    const service = startWorker({ env: { NPM_REGISTRY: 'http://127.0.0.1:9' } });
    await service.settled();
    expect(service.status).toMatchObject({ state: 'failed', set: null });
    expect(service.status.failed).toEqual([
      expect.objectContaining({
        spec: 'chunky@4.17.21',
        reason: expect.stringContaining('ECONNREFUSED'),
      }),
      expect.objectContaining({ spec: 'inner@latest', reason: expect.stringContaining('ECONNREFUSED') }),
    ]);
  });

  it('starts without Redis after three attempts and has its packages when Redis is there', async () => {
    await storeOf().publishManifest('chunky@4.17.21');
    await redis.stop();
    const service = startWorker();
    await service.settled();
    expect(service.acquire()).toBeNull();
    await redis.start();
    await ready(service, 'chunky@4.17.21');
  });

  it('can be stopped before it started, twice, and in the middle of an install', async () => {
    const settings = settingsOf({ REDIS_URL: redis.url });
    const folders = new SetFolders(root);
    const idle = new PackagesService(
      packagesSettings.of(settings),
      storeOf(),
      folders,
      openPackageSets(packagesSettings.of(settings), folders),
    );
    await idle.stop();
    await idle.stop();
    const release = registry.hold('slow');
    try {
      await storeOf().publishManifest('slow@1.0.0');
      const service = startWorker();
      await registry.asked('slow');
      await service.stop();
      expect(await readdir(join(root, 'staging'))).toEqual([]);
      expect(await readdir(join(root, 'locks'))).toEqual([]);
    } finally {
      release();
    }
  });
});

describe("the machine's own registry", () => {
  it('gives a package', async () => {
    const folders = new SetFolders(root);
    await folders.prepare();
    const settings = parseSettings({ REDIS_URL: 'redis://unused', PACKAGES_DIR: root });
    const outcome = await openPackageSets(packagesSettings.of(settings), folders).ensure(
      parseManifest('left-pad@1.3.0', 1).entries,
      {
        signal: never,
        onProgress: () => undefined,
      },
    );
    expect(outcome.failed).toEqual([]);
    expect(outcome.set?.installed).toEqual([{ name: 'left-pad', version: '1.3.0' }]);
  });
});
