import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineEnvironment } from '../../../src/config/machine-environment.js';
import type { PackagesOverview } from '../../../src/contract/packages.js';
import { sha256 } from '../../../src/lib/sha256.js';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers } from '../../support/processes/worker-process.js';

// The one suite that speaks to the registry that this machine's npm is configured for.

const MANIFEST = 'lodash@4.17.21\nzod@^4\ndate-fns@^4';
const INSTALL_TIMEOUT_MS = 240_000;

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let folder: string;
let producer: Producer;

beforeAll(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'bifrost-test-smoke-'));
  producer = makeProducer();
  const content = JSON.stringify({ content: MANIFEST, hash: sha256(MANIFEST) });
  await redis.connect().set(new RedisKeys('').requirements(), content);
  const worker = await startWorker({
    // Nothing about the registry: address and certificates are those that the machine's npm uses.
    env: { ...machineEnvironment(), REDIS_URL: redis.url, PACKAGES_DIR: folder },
    args: ['--id', 'w1'],
  });
  const status = await until(
    async () => {
      const { workers } = (await (await fetch(`${worker.url}/packages`)).json()) as PackagesOverview;
      const found = workers[0]?.status;
      return found?.state === 'ready' || found?.state === 'failed' ? found : null;
    },
    { timeoutMs: INSTALL_TIMEOUT_MS, what: 'the worker is done with the packages' },
  );
  expect(status).toMatchObject({ state: 'ready', failed: [] });
}, INSTALL_TIMEOUT_MS);

afterAll(() => removeTree(folder));

const run = async (workflow_code: string): Promise<ExecutionResult> =>
  producer.executionResult(await producer.submitExecution(aContext({ workflow_code })));

describe('lodash, zod and date-fns of the registry', () => {
  it('are imported by the same code', async () => {
    const result = await run(`
      import _ from 'lodash';
      import chunk from 'lodash/chunk.js';
      import { z } from 'zod';
      import { format } from 'date-fns';
      import { de } from 'date-fns/locale';
      export default () => [
        _.VERSION,
        chunk([1, 2, 3], 2),
        z.object({ a: z.number() }).parse({ a: 1 }),
        format(new Date(2026, 4, 1), 'd. MMMM yyyy', { locale: de }),
      ];`);
    expect(result).toMatchObject({
      success: true,
      result: ['4.17.21', [[1, 2], [3]], { a: 1 }, '1. Mai 2026'],
    });
  });

  it('have date-fns in a fresh runner, which is measured', async () => {
    const samples: number[] = [];
    for (let round = 0; round < 9; round++) {
      const result = await run(`
        const startedMs = performance.now();
        const { format } = await import('date-fns');
        const tookMs = performance.now() - startedMs;
        export default () => [format(new Date(2026, 0, 31), 'yyyy-MM-dd'), tookMs];`);
      const [text, tookMs] = result.result as [string, number];
      expect(text).toBe('2026-01-31');
      samples.push(tookMs);
    }
    const sorted = samples.toSorted((a, b) => a - b).map((ms) => ms.toFixed(0));
    process.stdout.write(
      `bench import date-fns, fresh runner: median ${sorted[4]} ms, min ${sorted[0]} ms, max ${sorted[8]} ms, n=9\n`,
    );
  });
});
