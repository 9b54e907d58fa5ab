import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ALERT_RULES, RECORDING_RULES } from '../../src/metrics/monitoring/alert-rules.js';
import { dashboard } from '../../src/metrics/monitoring/dashboard.js';
import { aContext } from '../support/builders.js';
import { useProducers } from '../support/producer.js';
import { freePort, usePostgres } from '../support/servers/test-postgres.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';
import { useWorkers } from '../support/processes/worker-process.js';

// `npm run test:monitoring`: a real Prometheus (Debian's package `prometheus`, which brings promtool) reads the
// rules, scrapes a worker, and answers every query of the dashboard.

const RULES = join(import.meta.dirname, '..', '..', 'deploy', 'prometheus', 'bifrost.rules.yml');
const NAMES = /\bbifrost_[a-z0-9_]+/g;

const redis = useRedis();
const postgres = usePostgres();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

interface Answer<T> {
  status: string;
  data: T;
}

describe('Prometheus', () => {
  let folder: string;
  let server: ChildProcess;
  let url: string;
  const ask = async <T>(path: string): Promise<T> => {
    const { status, data } = (await (await fetch(`${url}/api/v1/${path}`)).json()) as Answer<T>;
    expect(status).toBe('success');
    return data;
  };

  beforeAll(async () => {
    const queueName = 'prometheus';
    const producer = makeProducer({ queueName });
    const env = {
      REDIS_URL: redis.url,
      DATABASE_URL: await postgres.createDatabase(),
      QUEUE_NAME: queueName,
      ROLES: 'worker,api,archive',
    };
    const worker = await startWorker({ env });
    for (const workflow_code of ['export default () => 1', 'throw new Error("so")'])
      await producer.executionResult(await producer.submitExecution(aContext({ workflow_code })));
    folder = mkdtempSync(join(tmpdir(), 'bifrost-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [RULES],
        scrape_configs: [{ job_name: 'bifrost', static_configs: [{ targets: [new URL(worker.url).host] }] }],
      }),
    );
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    server = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    await until(
      () =>
        fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { what: 'Prometheus is ready' },
    );
    const scraped = async (): Promise<boolean> =>
      (await ask<{ result: unknown[] }>('query?query=count_over_time(bifrost_build_info[1m])>4')).result
        .length > 0;
    await until(scraped, { what: 'it has scraped the worker' });
  });
  afterAll(async () => {
    if (server?.exitCode === null) {
      server.kill();
      await once(server, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes the rules', () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it('has every metric that the dashboard and the rules name', async () => {
    const { panels } = dashboard() as { panels: { targets?: { expr: string }[] }[] };
    const queries = [
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...[...ALERT_RULES, ...RECORDING_RULES].map(({ expr }) => expr),
    ];
    const named = new Set(queries.flatMap((query) => query.match(NAMES) ?? []));
    const known = new Set(await ask<string[]>('label/__name__/values'));
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
  });

  it('answers every query', async () => {
    const { panels } = dashboard() as { panels: { targets?: { expr: string }[] }[] };
    for (const { targets = [] } of panels)
      for (const { expr } of targets) {
        const { result } = await ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(expr)}`);
        expect([expr, result.length > 0]).toEqual([expr, true]);
      }
  });

  it('evaluates every rule, and raises no alert over a worker that is well', async () => {
    const { groups } = await ask<{ groups: { rules: { name: string; state?: string; health: string }[] }[] }>(
      'rules',
    );
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(rules.filter(({ state }) => state === 'firing' || state === 'pending')).toEqual([]);
  });
});
