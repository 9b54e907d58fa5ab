import type { CodePlace, ErrorFrame } from '../boundary/runner-frames.js';
import type { Evidence } from '../contract/result.js';
import { localsEvidence, timeoutEvidence } from './blocked-stack.js';
import type { Finding } from './judge.js';
import { describeLimit, describeVerdict, limitBehind } from './limit-evidence.js';
import type { OriginalPlaces } from './original-places.js';
import type { RunEnd } from './run-end.js';
import type { RunLimits } from './run-limits.js';

const STDERR_TAIL_CHARS = 8192;

/** What was seen of the run of an execution's code. */
export interface RunSeen {
  end: RunEnd;
  limits: RunLimits;
  /** Of the places that {@link placesIn} names. */
  originals: OriginalPlaces;
}

/** Every place of compiled code that the result may show. */
export const placesIn = (end: RunEnd): readonly CodePlace[] => [
  ...(end.trace?.kind === 'blocked' ? end.trace.places : []),
  ...(localsOf(end) ?? []),
];

/** After a report or a verdict the process ended by our hand: how says nothing. */
const endedByItself = (end: RunEnd): boolean =>
  end.verdict === null && (end.report === null || end.report.type === 'exiting');

/** What the run of code that failed shows of its failure. */
export const evidenceOf = ({ end, limits, originals }: RunSeen, finding: Finding): Evidence => ({
  ...(endedByItself(end) ? { exit_code: end.exit.exitCode, signal: end.exit.signal } : {}),
  ...(end.stderr === '' ? {} : { stderr_tail: end.stderr.slice(-STDERR_TAIL_CHARS) }),
  ...traceEvidence(end, originals),
  ...localsEvidence(localsOf(end), originals),
  ...(end.stuck ? { stuck: true } : {}),
  ...fieldEvidence(end),
  ...detailEvidence(end),
  ...limitEvidence(end, finding, limits),
  ...(end.memorySamplesMb.length === 0 ? {} : { memory_samples_mb: end.memorySamplesMb }),
});

const localsOf = ({ report, uncaught }: RunEnd): ErrorFrame['locals'] =>
  report?.type === 'error' ? report.locals : uncaught?.locals;

function fieldEvidence({ report }: RunEnd): Evidence {
  const fields = report?.type === 'error' ? report.fields : undefined;
  return fields?.[0] ? { field: fields[0].field, fields } : {};
}

/** Of a value whose fields, causes or gathered errors say more than its message. */
function detailEvidence({ report, uncaught }: RunEnd): Evidence {
  const detail = report?.type === 'error' ? report.detail : uncaught?.detail;
  return detail ? { error: detail } : {};
}

function traceEvidence({ verdict, trace }: RunEnd, originals: OriginalPlaces): Evidence {
  // Code that has used up its CPU time was not waiting, even if its event loop is free at that moment.
  const says = verdict === 'timeout' || (verdict === 'cpu' && trace?.kind === 'blocked');
  return says ? timeoutEvidence(trace, originals) : {};
}

function limitEvidence(
  { verdict, report, uncaught }: RunEnd,
  { code }: Finding,
  limits: RunLimits,
): Evidence {
  const thrown = report?.type === 'error' ? report : uncaught;
  const behind = code === 'OUT_OF_MEMORY' ? 'memory' : thrown && limitBehind(thrown);
  const limit = describeVerdict(verdict, limits) ?? (behind && describeLimit(behind, limits));
  if (limit) return { limit };
  return code === 'OUTPUT_LIMIT' ? { limit: `${limits.outputBytes} bytes of a returned value` } : {};
}
