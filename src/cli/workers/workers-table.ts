import type { WorkerRecord, WorkerState } from '../../contract/worker-record.js';
import { plain } from '../output/output.js';

type Cell = { text: string; state?: WorkerState };

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
const GAP = '  ';

/**
 * A table of workers, one a line, below one of headings.
 * @param paintState colours the text of a state; it must not change how wide it is shown.
 */
export function workersTable(
  workers: readonly WorkerRecord[],
  now: Date,
  paintState: (state: WorkerState, text: string) => string,
): string {
  const rows = [HEADINGS.map((text): Cell => ({ text })), ...workers.map((worker) => rowOf(worker, now))];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.text.length)));
  const lines = rows.map((row) =>
    row
      .map(({ text, state }, column) => {
        const padding = column === row.length - 1 ? '' : ' '.repeat(widths[column]! - text.length);
        return (state ? paintState(state, text) : text) + padding;
      })
      .join(GAP),
  );
  return `${lines.join('\n')}\n`;
}

function rowOf(worker: WorkerRecord, now: Date): Cell[] {
  const since = (time: string): string => duration(now.getTime() - Date.parse(time));
  return [
    { text: plain(worker.id) },
    { text: plain(worker.type) },
    { text: plain(worker.state), state: worker.state },
    { text: `${worker.running}/${worker.concurrency}` },
    { text: isolationOf(worker) },
    { text: plain(worker.host) },
    { text: String(worker.pid) },
    { text: since(worker.started_at) },
    { text: `${since(worker.heartbeat_at)} ago` },
  ];
}

/** Level and grade, with a mark where the worker's own attack got through; `-` while nothing is known. */
function isolationOf({ isolation, isolation_grade: grade, isolation_failed: failed }: WorkerRecord): string {
  if (!isolation) return '-';
  const marks = failed && failed.length > 0 ? `, ${failed.length} failed` : '';
  return plain(`${isolation}${grade ? ` ${grade}` : ''}${marks}`);
}

const UNITS: readonly [name: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** A duration in its two largest units, such as `2h 5m`. A clock that is slower than the worker's gives 0s. */
export function duration(ms: number): string {
  if (Number.isNaN(ms)) return '?';
  let rest = Math.max(0, Math.floor(ms / 1000));
  const fitting = UNITS.filter(([name, seconds]) => rest >= seconds || name === 's');
  const parts = fitting.slice(0, 2).map(([name, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    return `${count}${name}`;
  });
  return parts.join(' ');
}
