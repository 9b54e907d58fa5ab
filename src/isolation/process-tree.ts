import { readdirSync, readFileSync } from 'node:fs';

/**
 * The child of a process that has one.
 * @throws Error when it has none.
 */
export function childOf(pid: number): number {
  const child = fromKernel(pid) ?? fromStat(pid);
  if (child === undefined) throw new Error(`process ${pid} has no child`);
  return child;
}

/** Not every kernel is built with this list. */
function fromKernel(pid: number): number | undefined {
  try {
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')[0];
    return first ? Number(first) : undefined;
  } catch {
    return undefined;
  }
}

function fromStat(parent: number): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
