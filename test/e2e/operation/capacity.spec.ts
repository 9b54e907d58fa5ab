import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { aContext, SLOW_TO_COMPILE } from '../../support/builders.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
/** Open files that a process may have; the second is what it may raise that to. */
const limitFiles = (pid: number, limit: string): void =>
  void execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${limit}`]);
const filesLimit = (pid: number): string =>
  execFileSync('prlimit', ['--pid', `${pid}`, '--nofile', '--raw', '--noheadings', '--output', 'SOFT,HARD'])
    .toString()
    .trim()
    .replace(/\s+/, ':');

/** The kernel limits the number of a descriptor, and takes the lowest that is free. */
function limitWithRoomFor(count: number, pid: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let [limit, free] = [0, 0];
  while (free < count) {
    if (!taken.has(limit)) free += 1;
    limit += 1;
  }
  return limit;
}

/** A figure that no longer changes from one look to the next, many times in a row. */
async function settled(look: () => number): Promise<number> {
  let [figure, times] = [look(), 0];
  await until(
    () => {
      const now = look();
      [figure, times] = now === figure ? [now, times + 1] : [now, 0];
      return times >= 50;
    },
    { what: 'the descriptors of the worker are settled' },
  );
  return figure;
}

it('hands work back without an attempt while no process can be started, says so, and recovers', async () => {
  const producer = makeProducer();
  const worker = await startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '1', SPARE_RUNNERS: '0' },
  });
  const readiness = async (): Promise<{ status: number; body: string }> => {
    // A connection that is kept open would count, and leave room for a process when it closes.
    const response = await fetch(`${worker.url}/health/ready`, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.text() };
  };
  await until(async () => (await readiness()).status === 200, { what: 'the worker is ready' });
  const run = async (more = ''): Promise<unknown> =>
    producer.executionResult(
      await producer.submitExecution(aContext({ workflow_code: `export default () => 42;${more}` })),
    );
  // The second compiler is started: no later source brings one.
  expect(await run(SLOW_TO_COMPILE)).toMatchObject({ result: 42, attempt: 1, failure: null });
  await until(async () => (await readiness()).body.includes('"compiler":{"processes":2'), {
    what: 'every compiler that is kept is there, with its descriptors',
  });
  const before = await settled(() => descriptors(worker.pid));
  const normal = filesLimit(worker.pid);

  // Room for a probe's connection, none for the pipes of a process.
  limitFiles(worker.pid, `${limitWithRoomFor(3, worker.pid)}:${normal.split(':')[1]}`);
  const id = await producer.submitExecution(aContext({ workflow_code: 'export default () => 42' }));
  const handedBack = (): boolean =>
    worker.logs.some(({ msg, executionId }) => msg === 'execution handed back' && executionId === id);
  await until(handedBack, { what: 'the job is handed back' });
  const down = await until(
    async () => {
      const answer = await readiness();
      return answer.status === 503 && answer;
    },
    { what: 'the worker is not ready' },
  );
  expect(down.body).toMatch(/"capacity":\{[^}]*\}[^}]*"reason":"a runner could not be started: [^}]*EMFILE/);
  expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
  expect(producer.resultsOf(id)).toEqual([]);

  limitFiles(worker.pid, normal);
  expect(await producer.executionResult(id)).toMatchObject({ success: true, attempt: 1, result: 42 });
  await until(async () => (await readiness()).status === 200, { what: 'the worker is ready again' });
  expect(await run()).toMatchObject({ result: 42 });
  await until(() => descriptors(worker.pid) <= before + 1, { what: 'no descriptor was lost over it' });
});
