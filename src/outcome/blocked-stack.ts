import type { FailedFrame } from '../boundary/runner-frames.js';
import type { Evidence } from '../contract/result.js';
import type { OriginalPlaces } from './original-places.js';
import type { TimeoutTrace } from './run-end.js';

const MAX_LINES = 50;

/** What the trace of a time-out says, in positions of the user's own source. */
export function timeoutEvidence(trace: TimeoutTrace | null, originals: OriginalPlaces): Evidence {
  if (trace === null) return {};
  if (trace.kind === 'waiting') {
    const open = trace.resources.length > 0 ? trace.resources.join(', ') : 'nothing';
    return { waiting: `The event loop was free: an await never settled. Open: ${open}` };
  }
  const places = trace.places.map((place) => originals.get(place)).filter((place) => place !== null);
  const [innermost] = places;
  if (!innermost) return {};
  const lines = places.map(
    ({ file, line, column, function: name }) => `at ${name} (${file}:${line}:${column})`,
  );
  const own = places.find(({ file }) => !file.includes('/node_modules/')) ?? innermost;
  return {
    blocked_stack: lines.slice(0, MAX_LINES).join('\n'),
    blocked_at: { file: own.file, line: own.line, function: own.function },
  };
}

/** What the calls that an error went through held, in positions of the user's own source. */
export function localsEvidence(
  frames: readonly FailedFrame[] | null | undefined,
  originals: OriginalPlaces,
): Evidence {
  if (!frames || frames.length === 0) return {};
  const locals = frames.flatMap((frame) => {
    const place = originals.get(frame);
    return place === null
      ? []
      : [{ file: place.file, line: place.line, function: place.function, variables: frame.variables }];
  });
  return { locals };
}
