// A bare BullMQ worker: the job runs in the worker's own event loop. No isolation; the ceiling.
import { Worker } from 'bullmq';
import { announce, runPeerJob, queueName, work, workerOptions } from './peer.ts';

await announce(new Worker(queueName, (job) => runPeerJob(job, work), workerOptions()));
