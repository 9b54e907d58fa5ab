// Names of figures that more than one place must agree on.
import type { Workload } from '../harness/workloads.ts';

export const throughput = (workload: Workload, concurrency: number): string =>
  `throughput, ${workload}, concurrency ${concurrency}`;
export const latency = (percentile: number): string => `latency at 10/s, p${percentile}`;
export const PLAIN_SPAWN = "spawn('node', ['-e', '0']), 2 in parallel";
export const IDLE_PSS = 'memory of an idle runner (PSS)';
export const TEMPLATE_PSS = 'memory of what runners are forked of (PSS)';
export const ALL_IDLE_PSS = 'memory of all idle runners, with what they are forked of (PSS)';
export const COMPILERS_PSS = 'memory of all compilers (PSS)';
export const cpu = (concurrency: number): string => `CPU per execution, concurrency ${concurrency}`;
export const cpuWithRedis = (concurrency: number): string => `${cpu(concurrency)}, with Redis`;
export const cpuOfProcess = (concurrency: number): string => `${cpu(concurrency)}, the worker process alone`;
export const BOOT = 'boot';
export const COMMANDS_SENT = 'Redis commands sent per execution';
export const COMMANDS_ALL = 'Redis commands per execution, those inside scripts too';
export const COMMANDS_BEYOND = "Redis commands sent per execution, beyond BullMQ's own";
export const BACKLOG = 'throughput with jobs queued';
export const queued = (count: number): string => `${count.toLocaleString('en')} queued`;
export const MODULES = 'throughput with modules published';
export const published = (count: number): string => `${count.toLocaleString('en')} modules`;
