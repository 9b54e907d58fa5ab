import { setTimeout as sleep } from 'node:timers/promises';
import type { CodePlace } from '../contract/runner-protocol.js';
import type { RunnerProcess } from './runner-process.js';

/** Node's first line of an answer to SIGINT (--trace-sigint). */
const HEADLINE = /^KEYBOARD_INTERRUPT: .*\n/m;
const FRAME = /^ {4}at (?:(.*) \()?(.+):(\d+):(\d+)\)?$/;

/**
 * Where the JavaScript of a runner is right now, innermost call first, at most 10 calls; null when it
 * cannot be told within `timeoutMs`, as for code that is inside a native call or handles SIGINT itself.
 * Also works while JavaScript blocks the event loop: a thread of Node's own interrupts it. The process
 * ends afterwards.
 */
export async function interruptedAt(runner: RunnerProcess, timeoutMs: number): Promise<CodePlace[] | null> {
  const limit = new AbortController();
  let text = '';
  try {
    runner.traceAndEnd((more) => (text += more));
    // The answer is complete when the process is gone and its output has arrived.
    await Promise.race([runner.ended, sleep(timeoutMs, undefined, { signal: limit.signal })]);
    return placesIn(text);
  } finally {
    limit.abort();
  }
}

/** The places of Node's answer; null when there are none. */
export function placesIn(text: string): CodePlace[] | null {
  const headline = HEADLINE.exec(text);
  if (!headline) return null;
  const lines = text.slice(headline.index + headline[0].length).split('\n');
  const places = lines.flatMap((line) => placeIn(line) ?? []);
  return places.length === 0 ? null : places;
}

/** Node counts lines and columns from 1. */
function placeIn(line: string): CodePlace | null {
  const [, functionName = '', url, lineNumber, column] = FRAME.exec(line) ?? [];
  if (url === undefined) return null;
  return { functionName, url, line: Number(lineNumber) - 1, column: Number(column) - 1 };
}
