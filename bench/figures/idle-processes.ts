import { treeOf } from '../harness/process-tree.ts';

/** A process, as /proc shows it. */
export interface SeenProcess {
  pid: number;
  parent: number;
  /** It runs Node; what wraps it does not. */
  isNode: boolean;
  /** File name of the confined program that it runs, which a fork has of its template; '': none of ours. */
  program: string;
}

/** What waits for work below a program: the processes of each. */
export interface IdleProcesses {
  /** With what they may be wrapped in. */
  runners: number[][];
  /** What runners are forked of. */
  templates: number[][];
  compilers: number[][];
}

/** Which confined programs are not for the executions themselves, by file name. */
export interface OtherPrograms {
  template: string;
  compiler: string;
}

/**
 * What the processes below `root` are for.
 *
 * The keeper of a forked runner, its parent, is in none: it has the very memory of the template, which the kernel
 * shows again for each process that shares it.
 */
export function idleProcesses(
  root: number,
  processes: readonly SeenProcess[],
  { template, compiler }: OtherPrograms,
): IdleProcesses {
  const found: IdleProcesses = { runners: [], templates: [], compilers: [] };
  for (const { pid } of processes.filter(({ parent }) => parent === root)) {
    const tree = treeOf(pid, processes);
    const first = tree.find(({ isNode }) => isNode);
    if (first === undefined) continue;
    if (first.program === compiler) found.compilers.push(pidsOf(tree));
    else if (first.program !== template) found.runners.push(pidsOf(tree));
    else {
      const children = treeOf(first.pid, processes).slice(1);
      const runners = children.filter((child) => children.every(({ parent }) => parent !== child.pid));
      found.runners.push(...runners.map((runner) => [runner.pid]));
      found.templates.push(pidsOf(tree.filter((process) => !children.includes(process))));
    }
  }
  return found;
}

const pidsOf = (processes: readonly SeenProcess[]): number[] => processes.map(({ pid }) => pid);
