import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from '../lib/process/process-tree.js';
import { pick } from './seeded-random.js';
import type { Faults } from './fault.js';
import type { TcpProxy } from './silent-proxy.js';

/** A worker as a process of this machine. */
export interface WorkerAsProcess {
  readonly pid: number;
  /** Where its HTTP API is. */
  readonly url: string;
  /** Ends it as a deployment does; resolves with how it ended. */
  stop(): Promise<{ code: number | null }>;
  /** Ends it as a crash of the machine would. */
  kill9(): Promise<void>;
}

/** One worker of a campaign, which is started again whenever it has ended. */
export interface Member {
  id: string;
  /** Its own way to Redis, where there is one. */
  proxy: TcpProxy | null;
  worker: WorkerAsProcess;
}

/** A process stands still for at least, and for up to, this long. */
const WORKER_FROZEN_MS = [2_000, 14_000] as const;
const CHILD_FROZEN_MS = [1_000, 9_000] as const;

/**
 * What can break of the workers themselves.
 * @param again starts the worker of a member, which has ended, again
 * @param killed this many processes below a worker are killed now: an execution of each may end with RUNNER_CRASHED
 */
export function workerFaults(
  members: readonly Member[],
  {
    random,
    again,
    killed,
  }: {
    random: () => number;
    again: (member: Member, killedAtMs?: number) => Promise<void>;
    killed: (processes: number) => void;
  },
): Faults {
  const member = (): Member => pick(random, members);
  const between = ([least, most]: readonly [number, number]): number => least + random() * most;
  const child = (): number | undefined => {
    const children = descendantsOf(member().worker.pid);
    return children.length > 0 ? pick(random, children) : undefined;
  };
  return {
    'kill a worker': async () => {
      const one = member();
      const killedAtMs = Date.now();
      await one.worker.kill9();
      await again(one, killedAtMs);
    },
    'end a worker': async () => {
      const one = member();
      const { code } = await one.worker.stop();
      if (code !== 0)
        throw new Error(`worker ${one.id} ended with exit code ${code} after SIGTERM, not with 0`);
      await again(one);
    },
    'freeze a worker': async ({ rest }) => {
      const { pid } = member().worker;
      signal(pid, 'SIGSTOP');
      await rest(between(WORKER_FROZEN_MS));
      signal(pid, 'SIGCONT');
    },
    'kill a runner or compiler': async () => {
      const pid = child();
      if (pid === undefined) return;
      // What was forked of a template ends with it.
      killed(1 + descendantsOf(pid).length);
      signal(pid, 'SIGKILL');
    },
    'freeze a runner or compiler': async ({ rest }) => {
      const pid = child();
      signal(pid, 'SIGSTOP');
      await rest(between(CHILD_FROZEN_MS));
      signal(pid, 'SIGCONT');
    },
    ...(members.some(({ proxy }) => proxy !== null)
      ? { 'silence a worker': async () => member().proxy?.silence() }
      : {}),
  };
}

/** How long the processes of a worker may outlive it. */
const OUTLIVE_MS = 1_000;

/** Stops all; resolves with the ids of processes that outlived their workers for more than a second. */
export async function stopAll(
  members: readonly Member[],
  isAlive: (pid: number) => boolean,
): Promise<number[]> {
  const processes = members.flatMap(({ worker }) => descendantsOf(worker.pid));
  await Promise.all(members.map(({ worker }) => worker.stop()));
  for (const { proxy } of members) await proxy?.close();
  await sleep(OUTLIVE_MS);
  return processes.filter(isAlive);
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
