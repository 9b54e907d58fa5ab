import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { randomUUID } from 'node:crypto';
import { aContext, aTask } from '../support/builders.js';
import { Producer } from '../support/producer.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { usePostgres } from '../support/servers/test-postgres.js';
import { useRedis } from '../support/servers/test-redis.js';
import { useStartCounter } from '../support/start-counter.js';
import { until } from '../support/until.js';
import { buildCommit, type FormerBuild, formerCommit } from './former-build.js';

// `npm run test:rolling`: the build of the last version, or of the commit FROM, beside this one, over one Redis and one
// database, under load. What it proves is the promise of docs/upgrading.md.

const HOUR_MS = 3_600_000;
/** Between two submissions. */
const PAUSE_MS = 60;
/** Results that must come between two steps of a roll, so that both builds have work in each. */
const BETWEEN_STEPS = 40;
const EVERY_LONG = 9;
/** Submitted and without a result; on a slow machine the rest would grow without end. */
const MOST_OPEN = 40;

const redis = useRedis({ persistent: true });
const postgres = usePostgres();
const counter = useStartCounter();
const startWorker = useWorkers();
let former: FormerBuild;

beforeAll(() => {
  former = buildCommit(formerCommit(process.env));
}, HOUR_MS);
afterAll(() => former?.dispose());

describe('two builds over one Redis and one database', () => {
  it(
    'lose nothing and double nothing while they are rolled forward and back under load',
    async () => {
      const databaseUrl = await postgres.createDatabase();
      const producer = new Producer(redis);
      redis.onDispose(() => producer.close());
      const env = {
        REDIS_URL: redis.url,
        DATABASE_URL: databaseUrl,
        ROLES: 'worker,api,archive',
        CONCURRENCY: '4',
        DRAIN_TIMEOUT_SECONDS: '25',
        ...counter.settings,
      };
      const start = async (id: string, build: 'former' | 'this'): Promise<WorkerProcess> => {
        const worker = await startWorker({
          env,
          args: ['--id', `${build}-${id}`],
          ...(build === 'former' ? { main: former.main } : {}),
        });
        await until(async () => (await fetch(`${worker.url}/health/ready`)).ok, {
          what: `${build}-${id} takes work`,
        });
        return worker;
      };
      const submitted: string[] = [];
      const attempted = new Set<string>();
      const received = (): number => new Set(producer.received.map(idOf)).size;
      const moreResults = (count: number): Promise<unknown> => {
        const wanted = received() + count;
        return until(() => received() >= wanted, { timeoutMs: HOUR_MS, what: `${count} more results` });
      };
      let current = await start('1', 'former');
      const load = startLoad(
        producer,
        { submitted, attempted },
        () => current.url,
        counter.count('context.executionId'),
      );
      await setSchedule(current.url);
      await moreResults(BETWEEN_STEPS);

      // One after the other, as an orchestrator does: the new one takes work before the old one is stopped.
      for (const [id, build] of [
        ['2', 'former'],
        ['3', 'this'],
        ['4', 'this'],
        ['5', 'former'],
        ['6', 'former'],
        ['7', 'this'],
      ] as const) {
        const next = await start(id, build);
        await moreResults(BETWEEN_STEPS);
        expect(await current.stop()).toEqual({ code: 0, signal: null });
        current = next;
        await moreResults(BETWEEN_STEPS);
      }
      await fetch(`${current.url}/schedules/rolling/pause`, { method: 'POST' });
      await load.stop();
      await until(() => submitted.every((id) => producer.resultsOf(id).length > 0), {
        timeoutMs: HOUR_MS,
        what: 'every execution has its result',
      });

      const results = Map.groupBy(producer.received, idOf);
      const doubled = [...results].filter(([, all]) => all.length > 1).map(([id]) => id);
      const failed = [...results.values()].filter(([first]) => !hasSucceeded(first)).map(([first]) => first);
      const undeclared = submitted.filter((id) => counter.of(id) > 1);
      expect({ doubled, failed, undeclared }).toEqual({ doubled: [], failed: [], undeclared: [] });
      const ticks = [...results.keys()].filter((id) => !attempted.has(id));
      expect(ticks.length).toBeGreaterThan(0);

      const database = new pg.Client({ connectionString: databaseUrl });
      await database.connect();
      const all = [...results.keys()];
      const rows = await until(
        async () => {
          const answer = await database.query<{ execution_id: string; n: string }>(
            'SELECT execution_id, count(*) AS n FROM executions GROUP BY execution_id',
          );
          return answer.rows.length >= all.length ? answer.rows : null;
        },
        { timeoutMs: HOUR_MS, what: 'every result is in the archive' },
      );
      await database.end();
      expect(rows.filter(({ n }) => Number(n) !== 1)).toEqual([]);
      const workers = new Set(
        producer.received.flatMap((one) => ('worker_id' in one ? [one.worker_id] : [])),
      );
      console.info(
        JSON.stringify({
          former: former.commit,
          submitted: submitted.length,
          ticks: ticks.length,
          workers: [...workers],
        }),
      );
      expect(await current.stop()).toEqual({ code: 0, signal: null });
    },
    HOUR_MS,
  );
});

type Received = Producer['received'][number];

const hasSucceeded = (result: Received | undefined): boolean =>
  result !== undefined && ('taskId' in result ? result.status === 'completed' : result.success);

const idOf = (result: Received): string => ('taskId' in result ? result.taskId : result.execution_id);

/** Submits without a pause in between roles: executions and tasks by the queue and by the API, short ones and long ones. */
function startLoad(
  producer: Producer,
  { submitted, attempted }: { submitted: string[]; attempted: Set<string> },
  apiUrl: () => string,
  count: string,
): { stop(): Promise<void> } {
  const over = new AbortController();
  const code = (ms: number): string =>
    `export default async (_, context) => { ${count} await new Promise((r) => setTimeout(r, ${ms})); return context.executionId; }`;
  const ended = new Set<string>();
  let seen = 0;
  const submitOne = async (index: number): Promise<void> => {
    const id = randomUUID();
    attempted.add(id);
    const context = aContext({ workflow_code: code(index % EVERY_LONG === 0 ? 3_000 : 20) });
    if (index % 3 === 0) await producer.submitTask(aTask({ taskId: id }));
    else if (index % 3 === 1) await producer.submitExecution(context, id);
    else {
      // The API of the process that ends may refuse or break off; the id says whether it was accepted.
      const body = JSON.stringify({ execution_id: id, ...context });
      const headers = { 'content-type': 'application/json' };
      const accepted = await fetch(`${apiUrl()}/executions`, { method: 'POST', headers, body }).then(
        ({ status }) => status === 202 || status === 200,
        () => false,
      );
      if (!accepted) return;
    }
    submitted.push(id);
  };
  const done = (async () => {
    for (let index = 0; !over.signal.aborted; index += 1) {
      const isFull = (): boolean => {
        for (; seen < producer.received.length; seen += 1)
          ended.add(idOf(producer.received[seen] as Received));
        return submitted.filter((id) => !ended.has(id)).length >= MOST_OPEN;
      };
      await until(() => !isFull(), { timeoutMs: HOUR_MS, what: 'some of what was submitted ends' });
      await submitOne(index);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    stop: () => {
      over.abort();
      return done;
    },
  };
}

/** Set by one build, ticks by whichever works. */
async function setSchedule(url: string): Promise<void> {
  const body = JSON.stringify({
    every: 1_000,
    execution: { workflow_code: 'export default () => "tick"', function_name: 'default' },
  });
  const answer = await fetch(`${url}/schedules/rolling`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(200);
}
