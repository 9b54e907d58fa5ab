import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { machineEnvironment } from '../../src/config/machine-environment.js';
import type { PackagesOverview, PackagesStatus } from '../../src/contract/packages.js';
import { sha256 } from '../../src/lib/sha256.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { aContext } from '../support/builders.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { useProducers } from '../support/producer.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';
import type { PackageUse } from './package-use.js';
import type { SeenUse } from './seen.js';

const INSTALL_TIMEOUT_MS = 1_800_000;
const RUN_TIMEOUT_MS = 120_000;
const REASON_CHARS = 160;

/** A folder of packages that workers of one suite share, so that what they install is installed once. */
export const packagesFolder = async (): Promise<string> =>
  mkdtemp(join(await realpath(tmpdir()), 'bifrost-compat-'));

/** Workers with the packages that uses need, from the registry that this machine's npm is configured for. */
export class UseTrier {
  private readonly redis = useRedis();
  private readonly makeProducer = useProducers(this.redis);
  private readonly startWorker = useWorkers();
  private started = 0;

  /** A worker of its own queue and keys, whose manifest has this content; it may still be installing. */
  async worker(content: string, packagesDir: string, env: Record<string, string>) {
    const keyPrefix = `compat${(this.started += 1)}:`;
    await this.redis
      .connect()
      .set(new RedisKeys(keyPrefix).requirements(), JSON.stringify({ content, hash: sha256(content) }));
    const producer = this.makeProducer({ keyPrefix });
    const worker = await this.startWorker({
      env: {
        ...machineEnvironment(),
        REDIS_URL: this.redis.url,
        KEY_PREFIX: keyPrefix,
        PACKAGES_DIR: packagesDir,
        PACKAGES_INSTALL_TIMEOUT_SECONDS: '1800',
        ...env,
      },
      args: ['--id', `compat-${this.started}`],
    });
    return { worker, producer };
  }

  /** Tries each use, in turn, and says what became of it. */
  async tryAll(
    uses: readonly PackageUse[],
    packagesDir: string,
    env: Record<string, string>,
  ): Promise<SeenUse[]> {
    const content = [...new Set(uses.flatMap((one) => [one.name, ...(one.with ?? [])]))].join('\n');
    const { worker, producer } = await this.worker(content, packagesDir, env);
    const { installed, failed } = await until(() => settled(worker), {
      timeoutMs: INSTALL_TIMEOUT_MS,
      what: 'the packages are installed',
    });
    const seen: SeenUse[] = [];
    for (const { name, title = name, code, files, parameters = {}, is, native = false } of uses) {
      const version = installed.find((one) => one.name === name)?.version ?? null;
      const missing = failed.find(({ spec }) => spec.slice(0, spec.indexOf('@', 1)) === name);
      if (files) await publish(worker, { ...files, 'main.ts': code });
      const source = files ? { file_path: 'main.ts' } : { workflow_code: code };
      const context = { function_name: 'default', parameters, timeout_seconds: RUN_TIMEOUT_MS / 1000 };
      const result = await producer.executionResult(
        await producer.submitExecution(aContext({ workflow_code: undefined, ...source, ...context })),
      );
      const works = result.success && isDeepStrictEqual(result.result, is);
      const reason = result.success
        ? `returned ${JSON.stringify(result.result)}`
        : (missing?.reason ?? `${result.failure?.code}: ${result.failure?.message}`);
      const why = works ? null : reason.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARS);
      seen.push({ name: title, version, native, network: env['NETWORK'] ?? 'none', works, why });
    }
    return seen;
  }
}

/** What the worker has of its packages; null while it installs them. */
async function settled(worker: WorkerProcess): Promise<PackagesStatus | null> {
  const status = await statusOf(worker);
  return status?.state === 'ready' || status?.state === 'failed' ? status : null;
}

/** What the worker says of its packages now; null: nothing yet. */
export async function statusOf(worker: WorkerProcess): Promise<PackagesStatus | null> {
  const { workers } = (await (await fetch(`${worker.url}/packages`)).json()) as PackagesOverview;
  return workers[0]?.status ?? null;
}

async function publish(worker: WorkerProcess, files: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(`${worker.url}/workspace`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files }),
  });
  if (!answer.ok) throw new Error(`the workspace was refused: ${await answer.text()}`);
}
