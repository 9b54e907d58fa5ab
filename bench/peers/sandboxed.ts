// BullMQ's sandboxed processors, in child processes or worker threads.
import { Worker } from 'bullmq';
import { announce, queueName, workerOptions } from './peer.ts';

// Its documentation: a URL of the processor's file.
const processor = new URL('sandboxed-processor.ts', import.meta.url);
const useWorkerThreads = process.env['THREADS'] === '1';
await announce(new Worker(queueName, processor, { ...workerOptions(), useWorkerThreads }));
