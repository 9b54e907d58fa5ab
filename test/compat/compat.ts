import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { machineEnvironment } from '../../src/config/machine-environment.js';
import type { PackagesOverview, PackagesStatus } from '../../src/contract/packages.js';
import { sha256 } from '../../src/lib/sha256.js';
import { removeTree } from '../../src/packages/sets/folder-tree.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { aContext } from '../support/builders.js';
import { useWorkers } from '../support/processes/worker-process.js';
import { useProducers } from '../support/producer.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';
import type { PackageUse } from './package-use.js';
import type { SeenUse } from './seen.js';
import { ALL_USES } from './uses.js';

// `npm run compat`: installs widely used packages from the registry that this machine's npm is configured
// for, as a worker does, runs a real use of each at the default isolation without network, and writes down
// what was seen.

const RESULTS = new URL('./seen.json', import.meta.url);
const INSTALL_TIMEOUT_MS = 1_800_000;
const RUN_TIMEOUT_MS = 120_000;
const REASON_CHARS = 160;
/** Of all packages that are tried. */
const WANTED_SHARE = 0.95;

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const seen: SeenUse[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-compat-'));
});
afterAll(() => removeTree(folder));

/** Starts a worker of its own queue and keys, with the packages of these uses, and tries each. */
async function tryAll(uses: readonly PackageUse[], env: Record<string, string>): Promise<void> {
  const keyPrefix = `${env['NATIVE_ADDONS'] ?? 'plain'}:`;
  const content = [...new Set(uses.flatMap((one) => [one.name, ...(one.with ?? [])]))].join('\n');
  await redis
    .connect()
    .set(new RedisKeys(keyPrefix).requirements(), JSON.stringify({ content, hash: sha256(content) }));
  const producer = makeProducer({ keyPrefix });
  const worker = await startWorker({
    env: {
      ...machineEnvironment(),
      REDIS_URL: redis.url,
      KEY_PREFIX: keyPrefix,
      PACKAGES_DIR: folder,
      PACKAGES_INSTALL_TIMEOUT_SECONDS: '1800',
      ...env,
    },
    args: ['--id', `compat-${keyPrefix}`.replaceAll(':', '')],
  });
  const { installed, failed } = await until(() => settled(worker.url), {
    timeoutMs: INSTALL_TIMEOUT_MS,
    what: 'the packages are installed',
  });
  for (const { name, code, is, native = false } of uses) {
    const version = installed.find((one) => one.name === name)?.version ?? null;
    const missing = failed.find(({ spec }) => spec.slice(0, spec.indexOf('@', 1)) === name);
    const result = await producer.executionResult(
      await producer.submitExecution(
        aContext({ workflow_code: code, function_name: 'default', timeout_seconds: RUN_TIMEOUT_MS / 1000 }),
      ),
    );
    const works = result.success && isDeepStrictEqual(result.result, is);
    const reason = result.success
      ? `returned ${JSON.stringify(result.result)}`
      : (missing?.reason ?? `${result.failure?.code}: ${result.failure?.message}`);
    const why = works ? null : reason.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARS);
    seen.push({ name, version, native, works, why });
  }
}

async function settled(url: string): Promise<PackagesStatus | null> {
  const { workers } = (await (await fetch(`${url}/packages`)).json()) as PackagesOverview;
  const status = workers[0]?.status;
  return status?.state === 'ready' || status?.state === 'failed' ? status : null;
}

describe('widely used packages', () => {
  it(
    'do what is asked of them',
    async () => {
      await tryAll(
        ALL_USES.filter(({ native }) => !native),
        {},
      );
      await tryAll(
        ALL_USES.filter(({ native }) => native),
        { NATIVE_ADDONS: 'on' },
      );
      for (const { name, version, works, why } of seen)
        process.stdout.write(`${works ? 'works' : 'FAILS'}  ${name}@${version ?? '-'}  ${why ?? ''}\n`);
      const worked = seen.filter(({ works }) => works).length;
      process.stdout.write(`${worked} of ${seen.length} packages work\n`);
      await writeFile(
        RESULTS,
        `${JSON.stringify({ node: process.version, on: new Date().toISOString().slice(0, 10), uses: seen }, null, 2)}\n`,
      );
      expect(worked / seen.length).toBeGreaterThanOrEqual(WANTED_SHARE);
    },
    INSTALL_TIMEOUT_MS * 2,
  );
});
