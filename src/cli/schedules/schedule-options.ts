import type { RunOptions } from '../executions/run-request.js';

/** Shown in the help; the API checks them. */
export const OVERLAP_NAMES = 'allow, skip, queue or cancel';
export const MISSED_NAMES = 'one, all or skip';

/** Options of `bifrost schedules set` as they stand on the command line. */
export interface SetOptions extends Pick<
  RunOptions,
  'param' | 'function' | 'timeout' | 'attempts' | 'network' | 'secret'
> {
  /** Workspace path instead of a file. */
  module?: string;
  cron?: string;
  tz?: string;
  every?: string;
  start?: string;
  end?: string;
  overlap?: string;
  missed?: string;
  paused?: boolean;
  json?: boolean;
}
