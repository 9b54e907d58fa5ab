import { type Colour, type Output, paint, plain } from '../output/output.js';
import { drawnBar, StatusLine } from '../output/progress-bar.js';
import { tableOf } from '../output/table.js';
import type { UploadListener } from './workspace-publish.js';
import type { GenerationDiff, GenerationRecord } from '../../contract/workspace.js';

const BAR_FROM_CHARS = 1024 * 1024;

/** Every path that differs, one a line: `+` added, `~` changed, `-` removed. */
export function diffLines(
  { added, changed, removed }: GenerationDiff,
  stream: NodeJS.WritableStream,
): string {
  const kinds: [string, Colour, string[]][] = [
    ['+', 'green', added],
    ['~', 'yellow', changed],
    ['-', 'red', removed],
  ];
  return kinds
    .flatMap(([mark, colour, paths]) => paths.map((path) => paint(colour, `${mark} ${plain(path)}`, stream)))
    .map((line) => `${line}\n`)
    .join('');
}

/** Such as `1 added, 2 changed, 0 removed`. */
export const summaryOf = ({ added, changed, removed }: GenerationDiff): string =>
  `${added.length} added, ${changed.length} changed, ${removed.length} removed`;

export const isEmpty = ({ added, changed, removed }: GenerationDiff): boolean =>
  added.length + changed.length + removed.length === 0;

/** Generations, one a line; the current one is marked. */
export function logTable(log: readonly GenerationRecord[], current: number | null): string {
  const headings = ['GENERATION', 'PUBLISHED', 'FILES', 'CHANGES', 'AUTHOR', 'MESSAGE'];
  const rows = log.map((record) => [
    { text: `${record.generation}${record.generation === current ? ' *' : ''}` },
    { text: (record.created_at ?? '?').replace(/\.\d+Z$/, 'Z') },
    { text: String(record.files) },
    { text: `+${record.added} ~${record.changed} -${record.removed}` },
    { text: plain(record.author ?? '') },
    { text: plain(record.message ?? '') },
  ]);
  return tableOf(headings, rows);
}

/** Draws a progress bar for a large upload, on a terminal only. */
export function uploadBar({ stderr }: Output): UploadListener {
  const line = new StatusLine(stderr);
  return (sent, total) => {
    if (total < BAR_FROM_CHARS) return;
    if (sent >= total) return line.erase();
    const part = sent / total;
    line.draw(`uploading ${drawnBar(part)} ${Math.round(100 * part)} %`);
  };
}
