// A bridge between a system whose queue is not BullMQ and bifrost workers. The system pushes the ids of executions,
// whose contexts it has written, to the list bifrost:bridge:jobs, and takes results from bifrost:bridge:results.
//
//     REDIS_URL=redis://localhost:6379 node bridge.mjs        (needs the packages bullmq and ioredis)
//
// Nothing is lost when it ends in between: an id stays in bifrost:bridge:taken until its job is on the queue, and a
// result stays on its queue until it is in the list. Both may come twice then, and both ends know an execution by its id.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const url = process.env.REDIS_URL ?? 'redis://localhost:6379';
const queueName = process.env.QUEUE_NAME ?? 'bifrost-executions';
const [JOBS, TAKEN, RESULTS] = ['jobs', 'taken', 'results'].map((name) => `bifrost:bridge:${name}`);

const redis = new Redis(url, { maxRetriesPerRequest: null });
const waiting = redis.duplicate();
const work = new Queue(queueName, { connection: redis });
const results = new Worker(`${queueName}-results`, (job) => redis.rpush(RESULTS, JSON.stringify(job.data)), {
  connection: redis,
  concurrency: 50,
});

const add = async (id) => {
  await work.add(
    'execute',
    { execution_id: id },
    { jobId: `bridge-${id}`, removeOnComplete: true, removeOnFail: true },
  );
  await redis.lrem(TAKEN, 1, id);
};

const stopping = new AbortController();
const stop = async () => {
  stopping.abort();
  waiting.disconnect();
  await Promise.all([results.close(), work.close()]);
  redis.disconnect();
};
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());

for (const id of await redis.lrange(TAKEN, 0, -1)) await add(id);
process.stdout.write('bridge is ready\n');
while (!stopping.signal.aborted) {
  const id = await waiting.blmove(JOBS, TAKEN, 'LEFT', 'RIGHT', 0).catch((error) => {
    if (!stopping.signal.aborted) throw error;
  });
  if (id) await add(id);
}
