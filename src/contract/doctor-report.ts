import type { IsolationReport } from './isolation-report.js';

/** ok; works, but not as it should be in production; what was asked for is not there. */
export type FindingState = 'ok' | 'warning' | 'failed';

/** What `bifrost doctor` found out about one part of the machine. */
export interface DoctorFinding {
  name: string;
  state: FindingState;
  detail: string;
  /** What to do; null: nothing. */
  fix: string | null;
}

/** What `bifrost doctor --json` prints. */
export interface DoctorReport {
  /** A worker with this environment has everything that it asks for. */
  ok: boolean;
  version: string;
  node: string;
  /** User id of the caller; a worker of another user may find something else. */
  user: number | null;
  findings: DoctorFinding[];
  /** null: no level of isolation works, or this process would run no code. */
  isolation: IsolationReport | null;
  /** Why no stronger level: one line for each. */
  passed_over: string[];
}

export const okay = (name: string, detail: string): DoctorFinding => ({
  name,
  state: 'ok',
  detail,
  fix: null,
});
export const warning = (name: string, detail: string, fix: string): DoctorFinding => ({
  name,
  state: 'warning',
  detail,
  fix,
});
export const failure = (name: string, detail: string, fix: string): DoctorFinding => ({
  name,
  state: 'failed',
  detail,
  fix,
});
