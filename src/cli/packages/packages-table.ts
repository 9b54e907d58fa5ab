import type {
  PackageFailure,
  PackagesOverview,
  PackagesState,
  WorkerPackages,
} from '../../contract/packages.js';
import { plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';

/** Enough of a set's id to be unique at a glance. */
const SET_CHARS = 12;

export type PaintState = (state: PackagesState, text: string) => string;

/**
 * What each worker has, one a line, and below it each failure with its reason and the workers that met it.
 * @param paintState colours the text of a state; it must not change how wide it is shown.
 */
export function statusTable({ workers }: PackagesOverview, paintState: PaintState): string {
  if (workers.length === 0) return 'no live workers\n';
  const headings = ['WORKER', 'STATE', 'PROGRESS', 'SET', 'INSTALLED', 'FAILED'];
  return (
    tableOf(
      headings,
      workers.map((worker) => rowOf(worker, paintState)),
    ) + failureList(workers)
  );
}

function rowOf({ worker_id: id, status }: WorkerPackages, paintState: PaintState): Cell[] {
  if (status === null) return [id, '?', '-', '-', '-', '-'].map((text) => ({ text: plain(text) }));
  const { state, progress, set, installed, failed } = status;
  return [
    { text: plain(id) },
    { text: plain(state), paint: (text) => paintState(state, text) },
    { text: state === 'installing' ? `${Math.floor(progress * 100)} %` : '-' },
    { text: plain(set?.slice(0, SET_CHARS) ?? '-') },
    { text: String(installed.length) },
    { text: String(failed.length) },
  ];
}

/** Each failure once, also where a hundred workers met it. */
export function failureList(workers: readonly WorkerPackages[]): string {
  const found = new Map<string, { failure: PackageFailure; ids: string[] }>();
  for (const { worker_id: id, status } of workers) {
    for (const failure of status?.failed ?? []) {
      const key = JSON.stringify([failure.spec, failure.line, failure.phase, failure.reason]);
      const known = found.get(key);
      if (known) known.ids.push(id);
      else found.set(key, { failure, ids: [id] });
    }
  }
  return [...found.values()]
    .map(({ failure, ids }) => {
      const where =
        ids.length === workers.length && ids.length > 1 ? 'every worker' : ids.map(plain).join(', ');
      return `\n${failureHead(failure)}, on ${where}:\n${reasonLines(failure.reason)}`;
    })
    .join('');
}

export const failureHead = ({ spec, line, phase }: PackageFailure): string =>
  `${plain(spec)}${line === undefined ? '' : ` (line ${line})`}: ${PHASES[phase] ?? plain(phase)}`;

/** A worker that is newer than this command may know another phase. */
const PHASES: Readonly<Record<string, string>> = {
  refused: 'refused',
  install: 'not installed',
  import: 'installed, but cannot be imported',
  manifest: 'the manifest cannot be used',
};

const reasonLines = (reason: string): string =>
  reason
    .split('\n')
    .map((line) => `  ${plain(line)}\n`)
    .join('');
