import { durationMs } from '../history/history-options.js';

/** A moment as the API takes it: ISO 8601 as it is, or how long from now, such as 90d. */
export const momentAhead = (option: string, text: string, now: Date): string =>
  /^\d+(\.\d+)?(ms|[smhdw])$/.test(text)
    ? new Date(now.getTime() + durationMs(option, text)).toISOString()
    : text;
