// A BullMQ worker that gives each job to a pool of threads.
import { Worker } from 'bullmq';
import { Piscina } from 'piscina';
import { announce, runPeerJob, queueName, workerOptions } from './peer.ts';

// As many threads as its documentation derives from the processors, one task each. Without a time-out idle
// threads end at once and are booted again; its chapter on idle threads says to set one.
const filename = new URL('piscina-task.ts', import.meta.url).href;
const pool = new Piscina({ filename, idleTimeout: 60_000 });
await announce(new Worker(queueName, (job) => runPeerJob(job, (data) => pool.run(data)), workerOptions()));
