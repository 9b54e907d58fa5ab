import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { JobFinder } from '../../../src/queue/job-finder.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
let queue: Queue;
let client: RedisClient;
let finder: JobFinder;

beforeAll(() => {
  client = redis.connect();
  queue = new Queue('searched', { connection: client });
  redis.onDispose(() => queue.close());
});
beforeEach(async () => {
  await queue.obliterate({ force: true });
  finder = new JobFinder(queue, client);
});

const others = (count: number) =>
  Array.from({ length: count }, () => ({ name: 'execute', data: { execution_id: randomUUID() } }));

describe('JobFinder', () => {
  it('finds a job by the name that our API gives, also where that had to be encoded', async () => {
    await queue.add('execute', { execution_id: '12' }, { jobId: 'id-12' });
    expect((await finder.findByName('12'))?.id).toBe('id-12');
    expect(await finder.findByName('13')).toBeNull();
  });

  it('takes no job for another that has its name', async () => {
    await queue.add('execute', { execution_id: 'b' }, { jobId: 'a' });
    expect(await finder.findByName('a')).toBeNull();
    expect((await finder.find('b'))?.id).toBe('a');
  });

  it.each([
    ['wait', {}],
    ['prioritized', { priority: 3 }],
    ['delayed', { delay: 60_000 }],
  ])('finds a job that another producer named among many in %s', async (_place, options) => {
    await queue.addBulk(others(1200).map((job) => ({ ...job, opts: options })));
    const ids = ['first/one', 'second'];
    for (const id of ids) await queue.add('x', { note: 1, execution_id: id }, options);
    await queue.addBulk(others(1200).map((job) => ({ ...job, opts: options })));
    const found = await Promise.all([...ids, 'nobody'].map((id) => finder.find(id)));
    expect(found.map((job) => (job?.data as { execution_id?: string } | undefined)?.execution_id)).toEqual([
      ...ids,
      undefined,
    ]);
    // Without another search.
    expect((await finder.findByName('second'))?.id).toBe(found[1]?.id);
  });

  it('finds a task beside its code, and is not misled by what the code says', async () => {
    const code = `const decoy = '"taskId":"wanted"'; ${'x'.repeat(100_000)}`;
    await queue.add('task', { taskId: 'other', code });
    expect(await finder.find('wanted')).toBeNull();
    const { id } = await queue.add('task', { code, taskId: 'wanted' });
    expect((await finder.find('wanted'))?.id).toBe(id);
  });

  it('rejects a search while Redis is away', async () => {
    const lost = redis.connect('impatient');
    lost.disconnect();
    await expect(new JobFinder(queue, lost).find('any')).rejects.toThrow();
  });
});
