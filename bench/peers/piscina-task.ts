import { type JobData, work } from './peer.ts';

export default (data: JobData): Promise<unknown> => work(data);
