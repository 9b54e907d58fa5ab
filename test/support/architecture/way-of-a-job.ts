import { importsOf } from './circles.js';

/** One row of the table "the way of a job" in ARCHITECTURE.md. Paths are relative to `src`. */
export interface Station {
  file: string;
  /** Files to which it gives a part of the job. */
  beside: string[];
}

/** The rows of the table, in order. */
export const stationsIn = (document: string): Station[] =>
  document
    .split('\n')
    .filter((line) => /^\| \d+ /.test(line))
    .map((line) => {
      const cells = line.split('|');
      return { file: pathsIn(cells[2])[0] ?? '', beside: pathsIn(cells.at(-2)) };
    });

const pathsIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path as string);

/** What of the table is not so in the sources: a pure function of its arguments. */
export function untruthsIn(stations: readonly Station[], sources: ReadonlyMap<string, string>): string[] {
  const imports = importsOf(sources);
  const reached = new Set(stations.slice(0, 1).map(({ file }) => file));
  for (const file of reached) for (const target of imports.get(file) ?? []) reached.add(target);
  return stations.flatMap(({ file, beside }) => {
    if (!sources.has(file)) return [`${file} is not there`];
    const strangers = beside.filter((other) => !imports.get(file)?.includes(other));
    return [
      ...(reached.has(file) ? [] : [`${file} is not reached`]),
      ...strangers.map((other) => `${file} does not import ${other}`),
    ];
  });
}
