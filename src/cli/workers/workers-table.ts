import type { WorkerRecord, WorkerState } from '../../contract/worker-record.js';
import { duration } from '../../lib/text/duration.js';
import { plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';

const HEADINGS = [
  'ID',
  'TYPE',
  'STATE',
  'RUNNING',
  'ISOLATION',
  'HOST',
  'PID',
  'UPTIME',
  'HEARTBEAT',
] as const;

/**
 * A table of workers, one a line, below one of headings.
 * @param paintState colours the text of a state; it must not change how wide it is shown.
 */
export function workersTable(
  workers: readonly WorkerRecord[],
  now: Date,
  paintState: (state: WorkerState, text: string) => string,
): string {
  return tableOf(
    HEADINGS,
    workers.map((worker) => rowOf(worker, now, paintState)),
  );
}

function rowOf(
  worker: WorkerRecord,
  now: Date,
  paintState: (state: WorkerState, text: string) => string,
): Cell[] {
  // By the clock of the worker and that of this machine.
  const since = (time: string): string => duration(wholeSeconds(now.getTime() - Date.parse(time)));
  return [
    { text: plain(worker.id) },
    { text: plain(worker.type) },
    { text: plain(worker.state), paint: (text) => paintState(worker.state, text) },
    { text: `${worker.running}/${worker.concurrency}` },
    { text: isolationOf(worker) },
    { text: plain(worker.host) },
    { text: String(worker.pid) },
    { text: since(worker.started_at) },
    { text: `${since(worker.heartbeat_at)} ago` },
  ];
}

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** Level and grade, with a mark where the worker's own attack got through; `-` while nothing is known. */
function isolationOf({ isolation, isolation_grade: grade, isolation_failed: failed }: WorkerRecord): string {
  if (!isolation) return '-';
  const marks = failed && failed.length > 0 ? `, ${failed.length} failed` : '';
  return plain(`${isolation}${grade ? ` ${grade}` : ''}${marks}`);
}
