import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackagesOverview, PackagesStatus } from '../../../src/contract/packages.js';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { unsetOrganization } from '../../../src/contract/organization.js';
import { sha256 } from '../../../src/lib/sha256.js';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { aContext } from '../../support/builders.js';
import { anyNativeAddon } from '../../support/native-addon.js';
import { useWorkers, WorkerProcess } from '../../support/processes/worker-process.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { startRegistry, type TestRegistry } from '../../support/servers/registry.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const MANIFEST = 'native\nincomplete';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let registry: TestRegistry;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-test-addons-'));
  registry = await startRegistry([
    {
      name: 'native',
      version: '1.0.0',
      files: {
        'index.js': 'exports.kind = typeof require("./addon.node");',
        'addon.node': readFileSync(anyNativeAddon()),
      },
    },
    { name: 'incomplete', version: '1.0.0', files: { 'index.js': 'require("./addon.node");' } },
  ]);
});
afterAll(async () => {
  await registry.stop();
  await removeTree(folder);
});

/** A worker with queue and keys of its own, when it is done with the packages. Both have the same folder of packages. */
async function workerWith(addons: 'on' | 'off') {
  const keyPrefix = `${addons}:`;
  const manifest = JSON.stringify({ content: MANIFEST, hash: sha256(MANIFEST) });
  await redis.connect().set(new RedisKeys(keyPrefix).requirements(), manifest);
  const producer = makeProducer({ keyPrefix });
  const worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      KEY_PREFIX: keyPrefix,
      PACKAGES_DIR: folder,
      NPM_REGISTRY: registry.url,
      NATIVE_ADDONS: addons,
    },
    args: ['--id', addons],
  });
  const status = await until(
    async () => {
      const { workers } = (await (await fetch(`${worker.url}/packages`)).json()) as PackagesOverview;
      const found = workers[0]?.status;
      return found?.state === 'ready' || found?.state === 'failed' ? found : null;
    },
    { what: 'the packages are there' },
  );
  const health = (await (await fetch(`${worker.url}/health`)).json()) as {
    details: { isolation: Record<string, unknown> };
  };
  return { producer, status, isolation: health.details.isolation };
}

const run = async (
  producer: Producer,
  workflow_code: string,
  changes: Partial<ExecutionContext> = {},
): Promise<ExecutionResult> =>
  producer.executionResult(await producer.submitExecution(aContext({ workflow_code, ...changes })));

const LOAD = `import { kind } from 'native'; export default () => kind;`;
/** The same file from where the code may write. */
const LOAD_OWN = `
  import fs from 'node:fs';
  import { createRequire } from 'node:module';
  const require = createRequire(import.meta.url);
  export default () => {
    fs.copyFileSync(require.resolve('native').replace('index.js', 'addon.node'), 'own.node');
    process.dlopen({ exports: {} }, process.cwd() + '/own.node');
  };`;
const failedNames = ({ failed }: PackagesStatus): string[] =>
  failed.map(({ spec }) => spec.split('@')[0] as string);

describe('NATIVE_ADDONS=on', () => {
  let on: Awaited<ReturnType<typeof workerWith>>;
  beforeAll(async () => {
    on = await workerWith('on');
  });

  it('loads the native code of packages, and of nothing else', async () => {
    const loaded = await run(on.producer, LOAD);
    expect(loaded).toMatchObject({ success: true, result: 'object' });
    const own = await run(on.producer, LOAD_OWN);
    expect(own).toMatchObject({
      success: false,
      failure: { message: expect.stringContaining('from the packages of the manifest only') },
    });
  });

  it('is in the results and in /health, and leaves the grade to what the kernel refuses', async () => {
    const { isolation } = await run(on.producer, LOAD);
    expect(isolation).toMatchObject({ level: 'namespace', grade: 'A', native_addons: true });
    expect(on.isolation).toMatchObject({ level: 'namespace', grade: 'A', native_addons: true, failed: [] });
  });

  it('loads none for an organization that may have none', async () => {
    const record = { ...unsetOrganization('plain'), limits: { native_addons: false } };
    await redis.connect().hset(new RedisKeys('on:').organizations(), 'plain', JSON.stringify(record));
    const refused = await run(on.producer, LOAD, { organization: { id: 'plain' } });
    expect(refused).toMatchObject({
      success: false,
      failure: { message: expect.stringContaining('its organization may load none') },
    });
    expect(await run(on.producer, LOAD, { organization: { id: 'other' } })).toMatchObject({ success: true });
  });

  it('reports what lacks its binary', () => {
    expect(failedNames(on.status)).toEqual(['incomplete']);
  });
});

describe('NATIVE_ADDONS=off', () => {
  it('says at the install and in the code that the setting is needed', async () => {
    const { producer, status, isolation } = await workerWith('off');
    expect(failedNames(status).toSorted()).toEqual(['incomplete', 'native']);
    expect(status.failed.find(({ spec }) => spec.startsWith('native'))?.reason).toContain('NATIVE_ADDONS');
    const result = await run(producer, LOAD);
    expect(result).toMatchObject({
      success: false,
      failure: { message: expect.stringContaining('the setting NATIVE_ADDONS of the worker is off') },
    });
    expect(isolation).not.toHaveProperty('native_addons');
    expect(result.isolation).not.toHaveProperty('native_addons');
  });
});

describe('a machine without namespaces', () => {
  it('does not start with NATIVE_ADDONS=on, and says why', async () => {
    // No bubblewrap is found there.
    const worker = new WorkerProcess({
      env: { REDIS_URL: redis.url, PACKAGES_DIR: folder, NATIVE_ADDONS: 'on', PATH: folder },
    });
    expect(await worker.exited).toEqual({ code: 78, signal: null });
    const said = worker.output.join('\n');
    expect(said).toContain('NATIVE_ADDONS: on needs the level namespace');
    expect(said).toContain('bubblewrap');
  });
});
