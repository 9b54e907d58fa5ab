import type { LogEvent } from '../../../src/contract/log-stream.js';

/** One line of a log as it is shown. */
export interface LogLine {
  ts: string;
  level: string;
  stream: 'stdout' | 'stderr' | 'worker';
  text: string;
  /** It goes on from the line before, in the same entry. */
  isMore: boolean;
  fields?: Record<string, unknown>;
  attempt: number;
}

/** Longer lines are cut where they are shown; the download has them whole. */
export const LINE_CHARS = 4_000;
/** Lines that are kept; beyond it the oldest go. */
export const LINES_KEPT = 200_000;

/** The lines of one entry. Pure. */
export function linesOf(event: LogEvent): LogLine[] {
  const { ts, attempt } = event;
  const note = (text: string, level = 'info'): LogLine[] => [
    { ts, level, stream: 'worker', text, isMore: false, attempt },
  ];
  switch (event.type) {
    case 'start':
      return note(`Attempt ${attempt} started on ${event.worker_id}`);
    case 'progress':
      return note(
        `Progress ${Math.round(event.fraction * 100)} %${event.message === null ? '' : `: ${event.message}`}`,
      );
    case 'dropped':
      return note(`${event.count} entries were dropped here: Redis was away or too slow`, 'warn');
    case 'truncated':
      return note('Older entries are gone: the log is bounded', 'warn');
    case 'end':
      return note(`Ended: ${event.status.replaceAll('_', ' ')}`);
    case 'log':
      return event.message.split('\n').map((text, index) => ({
        ts,
        level: event.level,
        stream: event.stream,
        text: text.endsWith('\r') ? text.slice(0, -1) : text,
        isMore: index > 0,
        attempt,
        ...(index === 0 && event.fields ? { fields: event.fields } : {}),
      }));
  }
}

/** How serious a level is, so that "warn" means warn and worse. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

export function rankOf(level: string): number {
  switch (level) {
    case 'trace':
    case 'debug':
      return 0;
    case 'warn':
    case 'warning':
      return 2;
    case 'error':
    case 'fatal':
    case 'critical':
      return 3;
    default:
      return 1;
  }
}
