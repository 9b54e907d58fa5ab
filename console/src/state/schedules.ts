import type { ScheduleRun, ScheduleSummary } from '../../../src/contract/api/schedules.js';
import { ask } from '../api/client.js';
import { perform } from './notices.js';
import { address, go } from './router.js';

/** The address of a schedule in the API and, but for its beginning, in the console. */
export const schedulePath = (id: string): string => `/schedules/${encodeURIComponent(id)}`;

/** What becomes of a tick while the one before has not ended. */
export const OVERLAP: Readonly<Record<ScheduleSummary['overlap'], string>> = {
  allow: 'it runs beside it',
  skip: 'it is passed over',
  queue: 'it waits',
  cancel: 'that one is cancelled',
};

/** What becomes of ticks that no worker came to in time. */
export const MISSED: Readonly<Record<ScheduleSummary['missed'], string>> = {
  one: 'one runs for all',
  all: 'all of them run',
  skip: 'none of them runs',
};

/** Has it tick once more, now, and goes to that execution. */
export const runNow = (id: string): Promise<boolean> =>
  perform(async () => {
    const { execution_id: execution } = await ask<ScheduleRun>(`${schedulePath(id)}/run`, {
      method: 'POST',
    });
    go(address(`/executions/${encodeURIComponent(execution)}`));
    return 'It runs now, as one more tick.';
  });

/** Resolves with whether it was done. */
export const pauseOrResume = (id: string, state: ScheduleSummary['state']): Promise<boolean> =>
  perform(async () => {
    const verb = state === 'paused' ? 'resume' : 'pause';
    await ask(`${schedulePath(id)}/${verb}`, { method: 'POST' });
    return verb === 'pause' ? 'It is paused: no tick is due.' : 'It ticks again, from now on.';
  });
