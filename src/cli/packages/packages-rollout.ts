import type { PackagesOverview, PackagesStatus } from '../../contract/packages.js';
import { drawnBar } from '../output/progress-bar.js';

/** How far a fleet is with one manifest. */
export interface Rollout {
  /** Workers that have done what the manifest asks of them, with or without failures. */
  done: number;
  workers: number;
  /** Workers on which a package failed. */
  failing: number;
  /** 0 to 1, over all workers. */
  progress: number;
}

/** Pure: how far the workers of an overview are with its manifest. */
export function rolloutOf({ hash, packages, workers }: PackagesOverview): Rollout {
  // The status of a worker that has not seen this manifest yet is about the one before.
  const current = workers.flatMap(({ status }) => (status?.manifest_hash === hash ? [status] : []));
  const isDone = ({ state }: PackagesStatus): boolean =>
    packages.length === 0 ? state === 'none' : state !== 'installing';
  const done = current.filter(isDone);
  const progress = current.reduce((sum, status) => sum + (isDone(status) ? 1 : status.progress), 0);
  return {
    done: done.length,
    workers: workers.length,
    failing: done.filter(({ state, failed }) => failed.length > 0 || state === 'failed').length,
    progress: workers.length === 0 ? 1 : progress / workers.length,
  };
}

/** In characters that a log file can have, too. */
const BAR = { width: 24, marks: ['#', '-'] } as const;

/** Such as `1 of 2 workers done, 1 with failures`. */
export const doneText = ({ done, workers, failing }: Rollout): string =>
  `${done} of ${workers} workers done${failing === 0 ? '' : `, ${failing} with failures`}`;

/** One line with a bar, such as `installing [######------] 50 %, 1 of 2 workers done`. */
export function rolloutLine(rollout: Rollout): string {
  const { done, workers, progress } = rollout;
  // Never 100 before the last one is done.
  const percent = done === workers ? 100 : Math.min(99, Math.floor(progress * 100));
  return `${done === workers ? 'installed' : 'installing'} [${drawnBar(progress, BAR)}] ${percent} %, ${doneText(rollout)}`;
}
