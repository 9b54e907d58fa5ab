import { describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import type { RotatedSecrets } from '../../src/contract/tenants/secret.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { aContext } from '../support/builders.js';
import { Producer } from '../support/producer.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';

// `npm run test:rolling`: the key of the secrets store is rotated as docs/tenants.md says, worker by worker, under load.

const HOUR_MS = 3_600_000;
const ORGANIZATIONS = 10;
const SECRETS = 5;
/** Submitted and without a result. */
const OPEN = 12;
/** Results between two steps. */
const BETWEEN_STEPS = 40;

const redis = useRedis();
const startWorker = useWorkers();

const secretOf = (organization: string, name: string): string => `value-of-${organization}-${name}-7f3a9`;
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const organizations = Array.from({ length: ORGANIZATIONS }, (_, n) => `org-${n}`);
const names = Array.from({ length: SECRETS }, (_, n) => `KEY_${n}`);

const CODE = `import { createHash } from 'node:crypto';
export default (_, { secrets }) =>
  Object.values(secrets).map((secret) => createHash('sha256').update(secret).digest('hex'));`;

async function call(method: string, worker: WorkerProcess, path: string, body: object = {}): Promise<object> {
  const response = await fetch(`${worker.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as object;
}

describe('a rotation of the key of the secrets store', () => {
  it(
    'loses no secret for any execution that runs meanwhile',
    async () => {
      const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
      const producer = new Producer(redis);
      redis.onDispose(() => producer.close());
      const start = async (id: string, keys: string): Promise<WorkerProcess> =>
        startWorker({
          env: { REDIS_URL: redis.url, CONCURRENCY: '4', SECRETS_KEY: keys, DRAIN_TIMEOUT_SECONDS: '25' },
          args: ['--id', id],
        });
      const workers = [await start('a1', oldKey), await start('b1', oldKey)];
      for (const organization of organizations)
        for (const name of names)
          await call('PUT', workers[0]!, `/organizations/${organization}/secrets/${name}`, {
            value: secretOf(organization, name),
          });

      const submitted = new Map<string, string>();
      const over = new AbortController();
      const loading = (async () => {
        for (let n = 0; !over.signal.aborted; n += 1) {
          await until(() => submitted.size - producer.received.length < OPEN, {
            timeoutMs: HOUR_MS,
            what: 'some of what was submitted ends',
          });
          const organization = organizations[n % ORGANIZATIONS] as string;
          const context = aContext({
            organization: { id: organization },
            secret_names: names,
            workflow_code: CODE,
            function_name: 'default',
          });
          submitted.set(await producer.submitExecution(context), organization);
        }
      })();
      const moreResults = (): Promise<unknown> => {
        const wanted = producer.received.length + BETWEEN_STEPS;
        return until(() => producer.received.length >= wanted, {
          timeoutMs: HOUR_MS,
          what: 'more results',
        });
      };
      /** Each worker is replaced by one with these keys, one after the other. */
      const roll = async (step: string, keys: string): Promise<void> => {
        for (const [at, worker] of workers.entries()) {
          workers[at] = await start(`${'ab'[at]}-${step}`, keys);
          expect(await worker.stop()).toEqual({ code: 0, signal: null });
          await moreResults();
        }
      };
      await moreResults();
      await roll('both', `${oldKey},${newKey}`);
      await roll('new-first', `${newKey},${oldKey}`);
      const rotated = call('POST', workers[0]!, '/secrets/rotate');
      // Another value of a secret, while it is encrypted anew.
      await call('PUT', workers[1]!, '/organizations/org-0/secrets/KEY_0', {
        value: secretOf('org-0', 'KEY_0'),
      });
      const { unreadable } = (await rotated) as RotatedSecrets;
      expect(unreadable.filter(({ organization }) => organization !== 'org-0')).toEqual([]);
      await moreResults();
      await roll('new', newKey);
      over.abort();
      await loading;
      await until(() => producer.received.length >= submitted.size, {
        timeoutMs: HOUR_MS,
        what: 'every execution has its result',
      });

      const wrong = [...submitted].filter(([id, organization]) => {
        const [result] = producer.resultsOf(id);
        const expected = names.map((name) => digest(secretOf(organization, name)));
        return (
          JSON.stringify((result as { result?: unknown } | undefined)?.result) !== JSON.stringify(expected)
        );
      });
      expect(wrong.map(([id]) => producer.resultsOf(id))).toEqual([]);
      const client = redis.connect();
      const keyIds = new Set<string>();
      for (const organization of organizations)
        for (const text of await client.hvals(new RedisKeys('').secretsOf(organization)))
          keyIds.add((JSON.parse(text) as { key_id: string }).key_id);
      expect(keyIds.size).toBe(1);
      console.info(JSON.stringify({ executions: submitted.size, secrets: ORGANIZATIONS * SECRETS }));
    },
    HOUR_MS,
  );
});
