import { waitAtMost } from '../../lib/time-limit.js';
import type { CodePlace } from '../../boundary/runner-frames.js';
import type { RunnerProcess } from './runner-process.js';

/** Node's first line of an answer to SIGINT (--trace-sigint). */
const HEADLINE = /^KEYBOARD_INTERRUPT: .*\n/m;
const FRAME = /^ {4}at (?:(.*) \()?(.+):(\d+):(\d+)\)?$/;
/** Node's answer is shorter; code that prints at the same time may print without end. */
const ANSWER_LIMIT_CHARS = 32_768;
const LINES_READ = 20;
const LINE_LIMIT_CHARS = 1_024;

/**
 * Finds where the JavaScript of a runner is right now: at most 10 calls, innermost call first;
 * never for code that is inside a native call or handles SIGINT itself. Also works while JavaScript blocks
 * the event loop: a thread of Node's own interrupts it. Resolves when the process, which ends of it, is gone,
 * or after `timeoutMs`.
 */
export async function interrupt(
  runner: RunnerProcess,
  timeoutMs: number,
  onPlaces: (places: CodePlace[]) => void,
): Promise<void> {
  let text = '';
  runner.traceAndEnd((more) => {
    if (text.length > ANSWER_LIMIT_CHARS) return;
    text += more.slice(0, ANSWER_LIMIT_CHARS);
    const places = placesIn(text);
    if (places !== null) onPlaces(places);
  });
  await waitAtMost(runner.ended, timeoutMs);
}

/** The places of Node's answer; null when there are none. */
export function placesIn(text: string): CodePlace[] | null {
  const headline = HEADLINE.exec(text);
  if (!headline) return null;
  const lines = text.slice(headline.index + headline[0].length).split('\n', LINES_READ);
  const places = lines.flatMap((line) => placeIn(line) ?? []);
  return places.length === 0 ? null : places;
}

/** Node counts lines and columns from 1. */
function placeIn(line: string): CodePlace | null {
  if (line.length > LINE_LIMIT_CHARS) return null;
  const [, functionName = '', url, lineNumber, column] = FRAME.exec(line) ?? [];
  if (url === undefined) return null;
  return { functionName, url, line: Number(lineNumber) - 1, column: Number(column) - 1 };
}
