// A BullMQ worker that gives each job to a pool of threads.
import { Worker } from 'bullmq';
import { Piscina } from 'piscina';
import { announce, carryOut, queueName, workerOptions } from './peer.ts';

// Its defaults: as many threads as its documentation derives from the processors, one task each.
const pool = new Piscina({ filename: new URL('piscina-task.ts', import.meta.url).href });
await announce(new Worker(queueName, (job) => carryOut(job, (data) => pool.run(data)), workerOptions()));
