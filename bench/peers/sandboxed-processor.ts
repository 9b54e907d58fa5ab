import type { SandboxedJob } from 'bullmq';
import { runPeerJob, work } from './peer.ts';

export default (job: SandboxedJob): Promise<unknown> => runPeerJob(job, work);
