import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/**
 * The child of a process that has one.
 * @throws Error when it has none.
 */
export function childOf(pid: number): number {
  const child = childrenOf(pid)[0];
  if (child === undefined) throw new Error(`process ${pid} has no child`);
  return child;
}

/** All children of a process. */
export const childrenOf = (pid: number): number[] => listFromKernel(pid) ?? fromStat(pid);

/** All that a process has started, and that these have. */
export const descendantsOf = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);

/** How many namespaces of processes a process is in, ours being the first; 0: the kernel does not say. */
export const depthOf = (pid: number): number => numbersOf(pid).length;

/** The number that a process has in the namespace of this depth, which it is in; null: the kernel does not say. */
export const innerPid = (pid: number, depth: number): number | null => numbersOf(pid)[depth - 1] ?? null;

/** NSpid: a number for each namespace, from ours to its own. */
function numbersOf(pid: number): number[] {
  try {
    const numbers = /^NSpid:\s+(.*)$/m.exec(shortTextOf(`/proc/${pid}/status`))?.[1];
    return numbers?.split('\t').map(Number) ?? [];
  } catch {
    return [];
  }
}

/** Not every kernel is built with this list. */
function listFromKernel(pid: number): number[] | undefined {
  try {
    const list = shortTextOf(`/proc/${pid}/task/${pid}/children`).trim();
    return list === '' ? [] : list.split(' ').map(Number);
  } catch {
    return undefined;
  }
}

const buffer = Buffer.alloc(65_536);

/** In one look, and without what readFileSync does for files of any kind and size. */
function shortTextOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    let bytes = 0;
    for (let got = -1; got !== 0 && bytes < buffer.length; bytes += got)
      got = readSync(file, buffer, bytes, buffer.length - bytes, null);
    return buffer.toString('latin1', 0, bytes);
  } finally {
    closeSync(file);
  }
}

function fromStat(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
