import { posix } from 'node:path';
import { readSource } from './read-imports.js';

/**
 * Files that import each other in a circle, in whichever way, as sorted groups: Tarjan's strongly connected
 * components. Paths are relative to one folder. A pure function of its argument.
 */
export function circlesIn(sources: ReadonlyMap<string, string>): string[][] {
  const imports = importsOf(sources);
  const order = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    open.push(file);
    let low = own;
    for (const target of imports.get(file) ?? []) {
      if (!order.has(target)) low = Math.min(low, visit(target));
      else if (open.includes(target)) low = Math.min(low, order.get(target) as number);
    }
    if (low === own) {
      const group = open.splice(open.indexOf(file));
      if (group.length > 1) circles.push(group.toSorted());
    }
    return low;
  };
  for (const file of sources.keys()) if (!order.has(file)) visit(file);
  return circles;
}

/** Which of the files each file imports, types included. */
export const importsOf = (sources: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> =>
  new Map([...sources].map(([file, source]) => [file, targetsOf(file, source, sources)]));

const targetsOf = (file: string, source: string, sources: ReadonlyMap<string, string>): string[] =>
  readSource(file, source)
    .imports.map(({ specifier }) => posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts'))
    .filter((target) => sources.has(target));
