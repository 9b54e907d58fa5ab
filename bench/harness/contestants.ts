// The contestants. Peers are configured as their own documentation recommends; docs/benchmarks.md says why.
import { join } from 'node:path';
import type { Contestant } from './contestant.ts';

/** Whatever has figures. */
export type NamedContestant = Pick<Contestant, 'name'>;

const peer = (file: string, name: string, env: Record<string, string> = {}): Contestant => ({
  name,
  args: [join(import.meta.dirname, '..', 'peers', file)],
  env,
  results: env['RESULTS'] === '1',
  product: false,
});
const RESULTS = { RESULTS: '1' };
const THREADS = { THREADS: '1' };

export const BARE = peer('in-process.ts', 'BullMQ in-process');
export const BARE_RESULTS = peer('in-process.ts', 'BullMQ in-process, results', RESULTS);
export const CHILDREN = peer('sandboxed.ts', 'BullMQ sandbox, processes');
export const CHILDREN_RESULTS = peer('sandboxed.ts', 'BullMQ sandbox, processes, results', RESULTS);
export const THREADS_PLAIN = peer('sandboxed.ts', 'BullMQ sandbox, threads', THREADS);
export const THREADS_RESULTS = peer('sandboxed.ts', 'BullMQ sandbox, threads, results', {
  ...THREADS,
  ...RESULTS,
});
export const PISCINA = peer('piscina.ts', 'BullMQ + piscina, results', RESULTS);
export const SPAWN = peer('spawn-per-job.ts', 'BullMQ + spawn per job, results', RESULTS);

const product = (name: string, env: Record<string, string>): Contestant => ({
  name,
  args: [join(import.meta.dirname, '..', '..', 'dist', 'main.js')],
  // Saving results to a database is another role's work, with a process of its own.
  env: { PORT: '0', LOG_FORMAT: 'json', ROLES: 'worker,api', ...env },
  results: true,
  product: true,
});

/** No peer has namespaces; without them the processes are compared, not the kernel. */
const UNWRAPPED = { ISOLATION: 'process' };

const KEPT = { RUNNER_MAX_EXECUTIONS: '0', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true' };

/** The strongest isolation that works on the machine, and forked where that works. */
export const REUSED = product('bifrost, reused processes', KEPT);
/** Where they are started: without namespaces, which no peer has. */
export const REUSED_STARTED = product('bifrost, reused, started', { ...UNWRAPPED, ...KEPT });
export const THREAD = product('bifrost, threads', {
  RUNNER: 'thread',
  TRUSTED_CODE: 'true',
  ...KEPT,
});
export const SINGLE_USE = product('bifrost, single-use processes', UNWRAPPED);
/** The strongest isolation that works on the machine, and forked where that works. */
export const SINGLE_USE_DEFAULT = product('bifrost, single-use, default', {});
/** The same isolation, each a new process of Node. */
export const SINGLE_USE_STARTED = product('bifrost, single-use, started', { RUNNER_START: 'spawn' });

export const ALL_CONTESTANTS: readonly Contestant[] = [
  BARE,
  BARE_RESULTS,
  CHILDREN,
  CHILDREN_RESULTS,
  THREADS_PLAIN,
  THREADS_RESULTS,
  PISCINA,
  SPAWN,
  REUSED,
  REUSED_STARTED,
  THREAD,
  SINGLE_USE,
  SINGLE_USE_DEFAULT,
  SINGLE_USE_STARTED,
];
