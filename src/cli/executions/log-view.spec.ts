import { describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import type { LogEvent } from '../../contract/log-stream.js';
import { LogView } from './log-view.js';

const COMMON = { id: '1-0', attempt: 1, run: 'r', n: 1, ts: '2026-03-01T10:00:00.000Z' };
const printed = (message: string, changes: Partial<Extract<LogEvent, { type: 'log' }>> = {}): LogEvent => ({
  ...COMMON,
  type: 'log',
  level: 'info',
  stream: 'stdout',
  message,
  ...changes,
});
const progress = (fraction: number, message: string | null = null): LogEvent => ({
  ...COMMON,
  type: 'progress',
  fraction,
  message,
});

/** Shows events and gives what was written, in order, whichever stream it went to. */
function show(events: LogEvent[], terminal = false): string {
  let written = '';
  const stream = (): PassThrough => {
    const sink = Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 40 } : {});
    sink.write = (text: string): boolean => ((written += text), true);
    return sink;
  };
  const view = new LogView({ stdout: stream(), stderr: stream() });
  for (const event of events) view.show(event);
  view.close();
  return written;
}

describe('LogView', () => {
  it('shows what was printed as it was printed', () => {
    expect(show([printed('one'), printed('no '), printed('end', { partial: true }), printed(' now')])).toBe(
      'one\nno \nend now\n',
    );
  });

  it('shows no progress without a terminal', () => {
    expect(show([progress(0.5, 'half'), printed('line')])).toBe('line\n');
  });

  it('draws a bar below what is printed, and takes it away in the end', () => {
    const erase = '\r\u001B[2K';
    const bar = `${'█'.repeat(12)}${'░'.repeat(12)} 50 % half`;
    expect(show([progress(0.5, 'half'), printed('line')], true)).toBe(
      `${erase}${bar}${erase}line\n${erase}${bar}${erase}`,
    );
  });

  it('leaves the unfinished line of the code alone', () => {
    const shown = show([printed('asking', { partial: true }), progress(1), printed('?')], true);
    expect(shown.startsWith('asking?\n')).toBe(true);
  });

  it('cuts the bar at the width of the terminal, and takes no control characters', () => {
    const shown = show([progress(0, '\u001B[31mred\n and much too long for this terminal')], true);
    const bar = shown.split('\r\u001B[2K')[1] as string;
    expect(bar).toHaveLength(39);
    expect(bar).toMatch(/ 0 % red +and/);
  });

  it('says what is missing and which attempt begins', () => {
    expect(
      show([
        { ...COMMON, type: 'start', worker_id: 'w' },
        { ...COMMON, type: 'dropped', count: 7 },
        { ...COMMON, type: 'truncated' },
        { ...COMMON, type: 'start', attempt: 2, worker_id: 'w' },
      ]),
    ).toMatch(/^\(7 lines are missing here.*\)\n\(the oldest lines are gone.*\)\n\(attempt 2\)\n$/);
  });
});
