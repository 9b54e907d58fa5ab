import { createHash } from 'node:crypto';

/** Which attempt of which execution left artifacts. */
export interface AttemptPlace {
  executionId: string;
  run: number;
  attempt: number;
  /** When it started. */
  startedAt: Date;
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** Ids may have any characters, and be longer than a file system allows. */
const nameOf = (executionId: string): string =>
  createHash('sha256').update(executionId).digest('hex').slice(0, 40);

/** Of an execution, on the day at which an attempt of it started: `2026-11-28/5f2c…/`. */
export const executionFolder = (executionId: string, startedAt: Date): string =>
  `${dayOf(startedAt)}/${nameOf(executionId)}/`;

/**
 * Of one attempt: `2026-11-28/5f2c…/1-1-20261128T103000123Z/`. Nothing else writes to it, not even a worker that was
 * frozen and goes on with an attempt that was started anew elsewhere: that started at another time.
 */
export const attemptFolder = ({ executionId, run, attempt, startedAt }: AttemptPlace): string => {
  const time = startedAt.toISOString().replaceAll(/[-:.]/g, '');
  return `${executionFolder(executionId, startedAt)}${run}-${attempt}-${time}/`;
};

/** The first day that is kept, when artifacts go with the history: that drops whole months. */
export function firstDayKept(now: Date, retentionMs: number): string {
  const oldest = new Date(now.getTime() - retentionMs);
  return `${oldest.toISOString().slice(0, 7)}-01`;
}
