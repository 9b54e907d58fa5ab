import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { HistoryPage } from '../../../src/contract/history.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { Jobs, type Submitted } from '../../support/jobs.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useStartCounter } from '../../support/start-counter.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const FAILED = 20;
const redis = useRedis();
const starts = useStartCounter();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let folder = '';
let producer: Producer;
let jobs: Jobs;
let worker: WorkerProcess;
let board: Board;

/** The buttons of a board, pressed as its web server would. */
class Board {
  private routes: Route[] = [];
  private queues: unknown;

  constructor(queue: Producer['queue']) {
    const adapter: Record<string, (...args: never[]) => unknown> = {
      setApiRoutes: (routes: Route[]) => this.keep(() => (this.routes = routes), adapter),
      setQueues: (queues: unknown) => this.keep(() => (this.queues = queues), adapter),
    };
    for (const name of ['setViewsPath', 'setStaticPath', 'setEntryRoute', 'setErrorHandler', 'setUIConfig'])
      adapter[name] = () => adapter;
    createBullBoard({
      queues: [new BullMQAdapter(queue)],
      serverAdapter: adapter as never,
      options: { uiBasePath: '.' },
    });
  }

  async press(route: string, params: Record<string, string>): Promise<{ status?: number; body: unknown }> {
    const found = this.routes.find((one) => [one.route].flat().includes(route));
    if (!found) throw new Error(`a board has no ${route}`);
    return found.handler({ queues: this.queues, params, query: {}, body: {}, headers: {} });
  }

  private keep<T>(act: () => void, adapter: T): T {
    act();
    return adapter;
  }
}

interface Route {
  route: string | string[];
  handler(request: object): Promise<{ status?: number; body: unknown }>;
}

beforeAll(async () => {
  folder = await emptyFolder();
  producer = makeProducer();
  jobs = new Jobs(producer, redis.connect(), starts);
  board = new Board(producer.queue);
  const env = { REDIS_URL: redis.url, ROLES: '', ARCHIVE_DIR: folder, CONCURRENCY: '4', ...starts.settings };
  worker = await startWorker({ env, args: ['--id', 'w1'] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const history = async (query: string): Promise<HistoryPage['executions']> => {
  const answer = await fetch(`${worker.url}/executions?limit=500&${query}`);
  return ((await answer.json()) as HistoryPage).executions;
};

describe('the retry of a board', () => {
  it(`of ${FAILED} failed jobs makes as many further runs and results, and the history shows both`, async () => {
    const all: Submitted[] = await Promise.all(
      Array.from({ length: FAILED }, () => jobs.submit(`throw new RangeError('run ' + context.run)`)),
    );
    for (const { id, job } of all) {
      await jobs.ended(id);
      await jobs.reaches(job, 'failed');
    }
    const queueName = producer.queue.name;
    const answer = await board.press('/api/queues/:queueName/retry/:queueStatus', {
      queueName,
      queueStatus: 'failed',
    });
    expect(answer).toMatchObject({ status: 200, body: { retried: FAILED } });
    for (const { id, job } of all) {
      expect(await jobs.ended(id, 2)).toMatchObject({ run: 2, error: 'run 2' });
      await jobs.reaches(job, 'failed');
      expect((await jobs.fresh(job)).failedReason).toBe('run 2');
    }
    expect(all.map(({ id }) => [starts.of(id), producer.resultsOf(id).length])).toEqual(
      all.map(() => [2, 2]),
    );
    const listed = await until(
      async () => {
        const found = await history('code=USER_ERROR');
        return found.length >= 2 * FAILED ? found : null;
      },
      { what: 'the history has every run' },
    );
    expect(listed).toHaveLength(2 * FAILED);
    for (const { id } of all) {
      const runs = listed.filter(({ execution_id }) => execution_id === id).map(({ run }) => run);
      expect(runs.toSorted((a, b) => a - b)).toEqual([1, 2]);
    }
  });

  it('of one job runs that one', async () => {
    const { id, job } = await jobs.submit(`if (context.run === 1) throw new Error('no'); return 'mended';`);
    await jobs.ended(id);
    await jobs.reaches(job, 'failed');
    const params = { queueName: producer.queue.name, jobId: job.id as string };
    await board.press('/api/queues/:queueName/:jobId/retry', params);
    expect(await jobs.ended(id, 2)).toMatchObject({ success: true, result: 'mended', run: 2 });
  });

  it('shows of a failed job the error of its code, and where its logs are', async () => {
    const { id, job } = await jobs.submit(`throw new RangeError('seen')`);
    await jobs.ended(id);
    await jobs.reaches(job, 'failed');
    const params = { queueName: producer.queue.name, jobId: job.id as string };
    const { body } = await board.press('/api/queues/:queueName/:jobId', params);
    expect(JSON.stringify(body)).toContain('RangeError: seen');
    const logs = await board.press('/api/queues/:queueName/:jobId/logs', params);
    expect(JSON.stringify(logs.body)).toContain(`bifrost logs ${id}`);
  });
});

describe('the history', () => {
  it('finds the ticks of one schedule', async () => {
    const template = { name: 'task', data: { code: '' } };
    await producer.queue.upsertJobScheduler('every-second', { every: 1000, limit: 2 }, template);
    const ticks = await until(
      async () => {
        const found = await history('schedule=every-second');
        return found.length >= 2 ? found : null;
      },
      { what: 'both ticks are in the history' },
    );
    expect(ticks.map(({ schedule }) => schedule)).toEqual(['every-second', 'every-second']);
    expect(await history('schedule=another')).toEqual([]);
  });
});
