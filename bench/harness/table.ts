import { REUSED, SINGLE_USE, THREAD } from './contestants.ts';
import type { Report } from './report.ts';
import type { TargetResult } from './targets.ts';

const OURS = [REUSED, THREAD, SINGLE_USE];
const HEAD = [
  'figure',
  'contestant',
  'median',
  'min',
  'max',
  'unit',
  'reused /',
  'threads /',
  'single-use /',
];

/** One row for each figure of each contestant, with the ratio of our three runners to it. */
export function reportTable(report: Report): string {
  const rows = report.measurements.map(({ figure, contestant, unit, sample }) => [
    figure,
    contestant,
    ...[sample.median, sample.min, sample.max].map(digits),
    unit,
    ...OURS.map(({ name }) => {
      const ratio = name === contestant ? undefined : report.ratio(figure, name, contestant);
      return ratio ? digits(ratio.median) : '';
    }),
  ]);
  return markdown(HEAD, rows);
}

export function targetTable(targets: readonly TargetResult[]): string {
  const rows = targets.map(({ name, wanted, atLeast, ratio }) => [
    name,
    `${atLeast ? 'at least' : 'at most'} ${wanted}`,
    ratio ? `${digits(ratio.median)} (${digits(ratio.min)} to ${digits(ratio.max)})` : 'not measured',
    holds({ wanted, atLeast, ratio }),
  ]);
  return markdown(['target', 'wanted', 'measured', 'holds'], rows);
}

function holds({ wanted, atLeast, ratio }: Pick<TargetResult, 'wanted' | 'atLeast' | 'ratio'>): string {
  if (!ratio) return '';
  return (atLeast ? ratio.median >= wanted : ratio.median <= wanted) ? 'yes' : 'NO';
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

/** Three significant digits at least. */
const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
