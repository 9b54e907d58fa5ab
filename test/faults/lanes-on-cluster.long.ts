import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import type { ExecutionContext } from '../../src/contract/context.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import { openRedis } from '../../src/redis/connections.js';
import { aContext } from '../support/builders.js';
import { useRunGauge } from '../support/fairness/run-gauge.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { RedisClusterGroup } from '../support/servers/redis-cluster.js';
import { until } from '../support/until.js';

// `npm run faults:cluster`: the order, caps and shares of organizations with two workers on a Redis Cluster.

const QUEUE = 'lanes';
// The prefix is a hash tag there: all keys of a queue share a slot.
const LANES = `{bull}:${QUEUE}:lanes`;
const LENGTH_MS = 50;
/** Longer than a runner needs to start, so that those which may run at once do. */
const LONG_MS = 2_000;
const cluster = new RedisClusterGroup();
const gauge = useRunGauge();
const startWorker = useWorkers();
const workers: WorkerProcess[] = [];
let client: Cluster;

beforeAll(async () => {
  await cluster.start();
  client = openRedis(cluster.url, 'patient', 'bifrost-faults') as Cluster;
  client.on('error', () => undefined);
  const env = { REDIS_URL: cluster.url, QUEUE_NAME: QUEUE, CONCURRENCY: '4', RESULT_QUEUE: 'off' };
  for (let n = 0; n < 2; n++)
    workers.push(await startWorker({ env: { ...env, ...REUSED_RUNNERS, ...gauge.settings } }));
}, 300_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill9()));
  client.disconnect();
  await cluster.dispose();
});

async function ask(path: string, init: RequestInit = {}, worker = workers[0]!): Promise<Response> {
  const response = await fetch(worker.url + path, {
    ...init,
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

async function weigh(organization: string, settings: object): Promise<void> {
  await ask(`/organizations/${organization}`, { method: 'PUT', body: JSON.stringify(settings) });
  await until(() => client.hexists(`${LANES}:limits`, organization), { what: 'the lanes know it' });
}

/** By either worker in turn. */
async function submit(organization: string, count: number, code: string): Promise<string[]> {
  const context: ExecutionContext = aContext({
    organization: { id: organization },
    workflow_code: code,
    timeout_seconds: 60,
  });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const init = { method: 'POST', body: JSON.stringify(context) };
    const answer = await ask('/executions', init, workers[n % 2]);
    ids.push(((await answer.json()) as { execution_id: string }).execution_id);
  }
  return ids;
}

async function result(id: string): Promise<ExecutionResult> {
  for (;;) {
    const found = (await (await ask(`/executions/${id}?wait=30`)).json()) as ExecutionResult;
    if (found.finished_at) return found;
  }
}

const results = (ids: readonly string[]): Promise<ExecutionResult[]> => Promise.all(ids.map(result));

/** Names of keys of the lanes on all nodes, without what is set of organizations and what says which workers there are. */
async function keysLeft(): Promise<string[]> {
  const found = await Promise.all(client.nodes('master').map((node) => node.keys(`${LANES}:*`)));
  const names = found.flat().map((key) => key.slice(LANES.length + 1));
  return names.filter((name) => !['limits', 'workers', 'capacity', 'leader', 'whole'].includes(name));
}

describe('on a Redis Cluster', () => {
  it('a cap holds over two workers, every place is used, and no key is left', async () => {
    await weigh('capped', { max_running: 3 });
    const ids = await submit('capped', 12, gauge.code('capped', LONG_MS));
    expect((await results(ids)).map(({ success, starts }) => [success, starts])).toEqual(
      ids.map(() => [true, 1]),
    );
    expect(gauge.takeMost('capped')).toBe(3);
    await until(async () => (await keysLeft()).length === 0, { what: 'no key of the lanes is left' });
  }, 300_000);

  it('shares are those of the weights, and one that asks for little does not wait', async () => {
    await weigh('light', { weight: 2 });
    await weigh('heavy', { weight: 6 });
    const code = `export default () => new Promise((resolve) => setTimeout(resolve, ${LENGTH_MS}));`;
    const [light, heavy] = await Promise.all([submit('light', 150, code), submit('heavy', 250, code)]);
    const [small] = await submit('small', 1, code);
    await result(small!);
    const all = [...(await results(light)), ...(await results(heavy))];
    expect(all.filter(({ success, starts }) => !success || starts !== 1)).toEqual([]);
    const order = all.toSorted((a, b) => a.started_at.localeCompare(b.started_at));
    const begun = new Set(heavy);
    // While both wait: from when both lanes were filled until the shorter one is empty.
    const both = order.slice(40, 240).filter(({ execution_id: id }) => begun.has(id)).length / 200;
    expect(both).toBeGreaterThan(0.65);
    expect(both).toBeLessThan(0.85);
  }, 300_000);

  it('what is cancelled while it waits gives its place in the lane back', async () => {
    await weigh('holds', { max_running: 1 });
    const [first, ...others] = await submit('holds', 12, gauge.code('holds', 500));
    await until(() => gauge.of('holds') === 1, { what: 'one runs' });
    for (const id of others) await ask(`/executions/${id}`, { method: 'DELETE' });
    const [last] = await submit('holds', 1, gauge.code('holds', LENGTH_MS));
    expect((await result(first!)).starts).toBe(1);
    expect((await result(last!)).success).toBe(true);
    const states = (await results(others)).map(({ status }) => status);
    expect(states.every((status) => status === 'cancelled')).toBe(true);
    await until(async () => (await keysLeft()).length === 0, { what: 'no key of the lanes is left' });
  }, 300_000);

  it('what BullMQ has kept runs after keys of the lanes were lost, and the cap is right again', async () => {
    const ids = await submit('capped', 12, gauge.code('capped', LONG_MS));
    await until(() => gauge.of('capped') === 3, { what: 'three run' });
    const names = await Promise.all(client.nodes('master').map((node) => node.keys(`${LANES}:*`)));
    for (const key of names.flat()) await client.del(key);
    await until(() => client.hexists(`${LANES}:limits`, 'capped'), { what: 'the cap is known again' });
    expect((await results(ids)).every(({ success, starts }) => success && starts === 1)).toBe(true);
    gauge.takeMost('capped');
    await results(await submit('capped', 9, gauge.code('capped', LONG_MS)));
    expect(gauge.takeMost('capped')).toBe(3);
  }, 300_000);
});
