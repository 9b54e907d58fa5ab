import type { ColumnType, Kysely } from 'kysely';
import type { ArchiveRecord } from './record.js';

type Time = ColumnType<Date, string, string>;

/** Every run that the archive has or had, across all months: what makes writing idempotent. */
interface ArchivedTable {
  execution_id: string;
  /** 0: the execution was forgotten. */
  run: number;
  /** Of the result that is archived; of a forgotten one, until when results of this id are ignored. */
  finished_at: Time;
}

/** One row for each result, which is one run of an execution, in a partition of its month: its record, without what it printed. */
interface ExecutionsTable extends Omit<ArchiveRecord, 'finished_at' | 'started_at' | 'logs'> {
  finished_at: Time;
  started_at: Time;
}

/** What an execution printed; no row for one that printed nothing. */
interface LogsTable {
  execution_id: string;
  finished_at: Time;
  logs: unknown;
  stdout: string;
  stderr: string;
}

/**
 * Counts and durations of one UTC day, workflow and status, for one organization or, where
 * organization_id is '', for all. Written in the transaction of the executions that it counts.
 */
interface DailyTable {
  day: Time;
  organization_id: string;
  /** '' where executions name none. */
  workflow_id: string;
  status: string;
  executions: number;
  duration_ms: number;
  /** Histogram of histogram.ts: buckets in ascending order, and how many are in each. */
  buckets: number[];
  counts: number[];
}

/** One entry of the audit log. Drivers read a bigint as text. */
interface AuditTable {
  at_ms: string;
  seq: string;
  token_id: string;
  token_name: string;
  role: string;
  action: string;
  target: string;
  organization_id: string | null;
  status: number;
  worker_id: string;
}

export interface Tables {
  audit: AuditTable;
  archived_ids: ArchivedTable;
  executions: ExecutionsTable;
  execution_logs: LogsTable;
  daily_statistics: DailyTable;
}

export type Database = Kysely<Tables>;

/** Tables with one partition for each month of `finished_at`. */
export const PARTITIONED = ['executions', 'execution_logs'] as const;
