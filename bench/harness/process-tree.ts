// What a process and its descendants use, read from /proc, and its heap, from its inspector.
import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

interface Stat {
  pid: number;
  parent: number;
  name: string;
  /** CPU time of the process itself. */
  ownMs: number;
  /** The same with those of its children that are gone. */
  cpuMs: number;
}

function readStats(): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const end = stat.lastIndexOf(')');
        const fields = stat.slice(end + 2).split(' ');
        const ticksOf = (indexes: number[]): number =>
          indexes.reduce((sum, index) => sum + Number(fields[index]), 0);
        const command = stat.slice(stat.indexOf('(') + 1, end);
        return [
          {
            pid: Number(name),
            parent: Number(fields[1]),
            name: command,
            ownMs: ticksOf([11, 12]) * TICK_MS,
            cpuMs: ticksOf([11, 12, 13, 14]) * TICK_MS,
          },
        ];
      } catch {
        return [];
      }
    });
}

/** A process and its descendants, parents first. */
export function treeOf<P extends Pick<Stat, 'pid' | 'parent'>>(root: number, processes: readonly P[]): P[] {
  const found = processes.filter(({ pid }) => pid === root);
  for (const { pid } of found) found.push(...processes.filter(({ parent }) => parent === pid));
  return found;
}

/** CPU milliseconds that the process and everything it has started used so far. */
export const treeCpuMs = (root: number): number =>
  treeOf(root, readStats()).reduce((sum, { cpuMs }) => sum + cpuMs, 0);

/** CPU milliseconds of a process without what it has started. */
export const ownCpuMs = (pid: number): number => readStats().find((stat) => stat.pid === pid)?.ownMs ?? 0;

/** CPU milliseconds of the threads that a process has now, as the scheduler counts them: exact, where {@link ownCpuMs} has ticks. */
export const threadsCpuMs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);

/** All processes of this machine: what each was started with, and whether it is Node. */
export const readCommands = (): { pid: number; parent: number; isNode: boolean; words: string[] }[] =>
  readStats().map(({ pid, parent, name }) => ({
    pid,
    parent,
    isNode: /^(node|MainThread)/.test(name),
    words: wordsOf(pid),
  }));

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** MB of proportional set size of one process; 0 when it is gone. */
export function pssMb(pid: number): number {
  try {
    const kb = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
    return Number(kb) / 1024;
  } catch {
    return 0;
  }
}

/**
 * JavaScript heap of a process in MB, right after a full collection of garbage.
 * @param address of its inspector, as `ws://…`
 */
export async function heapMbAt(address: string): Promise<number> {
  const socket = new WebSocket(address);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    const { usedSize } = (await ask(socket, 2, 'Runtime.getHeapUsage')) as { usedSize?: number };
    if (usedSize === undefined) throw new Error('the inspector did not say how large the heap is');
    return usedSize / 1_048_576;
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (message.id !== id) return;
      socket.removeEventListener('message', onMessage);
      resolve(message.result ?? {});
    };
    socket.addEventListener('message', onMessage);
    socket.send(JSON.stringify({ id, method }));
  });
}
