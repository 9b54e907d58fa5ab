import { readFileSync, readlinkSync } from 'node:fs';
import type { Confinement, NetworkPolicy } from '../../contract/confinement.js';

/** What the kernel says of a runner on which user code runs; '' and null: it does not say. */
export interface KernelFacts {
  status: Readonly<Record<string, string>>;
  /** Highest number of processes and threads of its user. */
  maxTasks: number | null;
  /** Namespaces that it shares with the worker. */
  sharedNamespaces: readonly string[] | null;
  workerUid: number;
}

/** What a runner's level promises that the kernel can confirm. */
export interface KernelPromises {
  confinement: Confinement;
  namespaces: boolean;
  network: NetworkPolicy;
}

const NAMESPACES = ['pid', 'mnt', 'ipc', 'uts', 'net'] as const;

/** Looks at a runner from the outside. */
export function kernelFacts(pid: number): KernelFacts {
  return {
    status: statusOf(pid),
    maxTasks: maxTasksOf(pid),
    sharedNamespaces: sharedNamespaces(pid),
    workerUid: process.getuid?.() ?? -1,
  };
}

/** Fields of /proc/PID/status by name. */
function statusOf(pid: number): Record<string, string> {
  const lines = textOf(`/proc/${pid}/status`).split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', value = ''] = line.split(':');
      return [name, value.trim()];
    }),
  );
}

function maxTasksOf(pid: number): number | null {
  const hard = /^Max processes\s+\S+\s+(\S+)/m.exec(textOf(`/proc/${pid}/limits`))?.[1];
  return hard === undefined || hard === 'unlimited' ? null : Number(hard);
}

function sharedNamespaces(pid: number): string[] | null {
  try {
    return NAMESPACES.filter(
      (name) => readlinkSync(`/proc/${pid}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`),
    );
  } catch {
    return null;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
