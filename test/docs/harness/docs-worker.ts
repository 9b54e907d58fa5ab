import { afterAll, beforeAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineEnvironment } from '../../../src/config/machine-environment.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { useWorkers } from '../../support/processes/worker-process.js';
import { freePort } from '../../support/servers/test-postgres.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import type { Surroundings } from './reader.js';

/** The worker that a reader of the pages has: webhooks to the receiver of the tutorial, and where it is wanted an archive of its own. */
export function useDocsWorker({ archive }: { archive: boolean }): () => Surroundings {
  const redis = useRedis();
  const startWorker = useWorkers();
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-docs-worker-'));
  let archiveDir = '';
  let url = '';
  let receiverPort = 0;
  beforeAll(async () => {
    receiverPort = await freePort();
    if (archive) archiveDir = await emptyFolder();
    const worker = await startWorker({
      env: {
        // The registry that this machine's npm uses: the pages install packages.
        ...machineEnvironment(),
        REDIS_URL: redis.url,
        ROLES: archive ? 'worker,api,archive' : 'worker,api',
        CONCURRENCY: '4',
        ...(archive ? { ARCHIVE_DIR: archiveDir } : {}),
        ARTIFACTS_DIR: join(folder, 'artifacts'),
        PACKAGES_DIR: join(folder, 'packages'),
        WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
        WEBHOOK_ALLOW: `127.0.0.1:${receiverPort}`,
        NETWORK: 'proxy',
        SECRETS_KEY: Buffer.alloc(32, 9).toString('base64'),
      },
      args: ['--id', 'w1'],
    });
    url = worker.url;
    await until(async () => (await fetch(`${url}/health/ready`)).ok, { what: 'the worker takes work' });
    if (archive)
      await until(async () => (await fetch(`${url}/executions?status=failed`)).ok, {
        what: 'the archive answers',
      });
  });
  afterAll(() => {
    for (const path of [folder, archiveDir]) if (path) rmSync(path, { recursive: true, force: true });
  });
  return () => ({ url, redisUrl: redis.url, receiverPort });
}
