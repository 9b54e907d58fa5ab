import type { DoctorReport, FindingState } from '../contract/doctor-report.js';
import type { IsolationCheck } from '../contract/isolation-report.js';
import { type Colour, paint, plain } from './output/output.js';
import { type Cell, tableOf } from './output/table.js';

const STATES: Readonly<Record<FindingState, Colour>> = { ok: 'green', warning: 'yellow', failed: 'red' };
const OUTCOMES: Readonly<Record<IsolationCheck['outcome'], { text: string; colour: Colour }>> = {
  held: { text: 'held', colour: 'green' },
  failed: { text: 'FAILED', colour: 'red' },
  not_applicable: { text: 'not applicable', colour: 'dim' },
};

/** The report for people: a line for each part with what to do about it, then the self-test, check by check. */
export function doctorText(report: DoctorReport, stream: NodeJS.WritableStream): string {
  const { version, user, findings, isolation } = report;
  const rows = findings.map(({ name, state, detail }): Cell[] => [
    { text: name },
    { text: state, paint: (text) => paint(STATES[state], text, stream) },
    { text: plain(detail) },
  ]);
  const fixes = findings.flatMap(({ name, state, fix }) =>
    fix === null ? [] : [`${paint(STATES[state], name, stream)}: ${plain(fix)}`],
  );
  const parts = [
    `bifrost-worker ${version}${user === null ? '' : `, as user ${user}`}\n`,
    tableOf(['PART', 'STATE', 'FOUND'], rows),
    ...(fixes.length > 0 ? [`To do:\n${fixes.map((fix) => `  ${fix}\n`).join('')}`] : []),
    ...(isolation
      ? [`Attacks on this worker from inside a runner:\n`, checksTable(isolation.checks, stream)]
      : []),
    report.ok
      ? `${paint('green', 'Everything that was asked for is there.', stream)}\n`
      : `${paint('red', 'Something that was asked for is not there.', stream)}\n`,
  ];
  return parts.join('\n');
}

function checksTable(checks: readonly IsolationCheck[], stream: NodeJS.WritableStream): string {
  const rows = checks.map(({ name, tries, outcome, by, detail }): Cell[] => {
    const { text, colour } = OUTCOMES[outcome];
    return [
      { text: name },
      { text: tries },
      { text, paint: (shown) => paint(colour, shown, stream) },
      { text: by ?? '-' },
      { text: plain(detail) },
    ];
  });
  return tableOf(['CHECK', 'TRIES TO', 'OUTCOME', 'BY', 'SEEN'], rows);
}
