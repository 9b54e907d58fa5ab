import type { SandboxedJob } from 'bullmq';
import { carryOut, work } from './peer.ts';

export default (job: SandboxedJob): Promise<unknown> => carryOut(job, work);
