import { sql } from 'kysely';
import { type Database, PARTITIONED } from '../schema.js';

/** A month of UTC: `2026-11`. */
export type Month = string;

const LOCK = 0x62_69_66_01;

/** The month of a time. */
export const monthOf = (time: Date | string): Month =>
  (typeof time === 'string' ? time : time.toISOString()).slice(0, 7);

/** The first day of a month, and of the one after it: the bounds of a partition. */
export function boundsOf(month: Month): [from: string, to: string] {
  const [year, index] = month.split('-').map(Number) as [number, number];
  const next = index === 12 ? [year + 1, 1] : [year, index + 1];
  const to = next.map((part, at) => String(part).padStart(at === 0 ? 4 : 2, '0')).join('-');
  return [`${month}-01T00:00:00Z`, `${to}-01T00:00:00Z`];
}

/** This month and the next ones: partitions that are made before anything needs them. */
export function monthsAhead(now: Date, count: number): Month[] {
  return Array.from({ length: count }, (_, n) =>
    monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n, 1))),
  );
}

/** Months that ended more than this many days ago. */
export const expiredMonths = (months: readonly Month[], now: Date, ageMs: number): Month[] => {
  const cutoff = cutoffOf(now, ageMs);
  return months.filter((month) => Date.parse(boundsOf(month)[1]) <= cutoff.getTime());
};

/** The moment this long ago. */
export const cutoffOf = (now: Date, ageMs: number): Date => new Date(now.getTime() - ageMs);

/** Makes the partitions of these months, where they are missing. */
export async function ensurePartitions(db: Database, months: readonly Month[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`.execute(tx);
    for (const month of months) {
      const [from, to] = boundsOf(month);
      for (const table of PARTITIONED) {
        const partition = sql.table(partitionName(table, month));
        await sql`CREATE TABLE IF NOT EXISTS ${partition} PARTITION OF ${sql.table(table)}
          FOR VALUES FROM (${sql.lit(from)}) TO (${sql.lit(to)})`.execute(tx);
      }
    }
  });
}

/** The months that have partitions, the oldest first. */
export async function listMonths(db: Database): Promise<Month[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'executions'::regclass ORDER BY 1`.execute(db);
  return rows.flatMap(({ name }) => {
    const [, year, month] = /_(\d{4})_(\d{2})$/.exec(name) ?? [];
    return year && month ? [`${year}-${month}`] : [];
  });
}

/** Drops the partitions of a month, with everything in them. Fails when something reads them for longer than a moment. */
export async function dropMonth(db: Database, month: Month): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`SET LOCAL lock_timeout = '2s'`.execute(tx);
    for (const table of PARTITIONED) {
      await sql`DROP TABLE IF EXISTS ${sql.table(partitionName(table, month))}`.execute(tx);
    }
  });
}

const partitionName = (table: string, month: Month): string => `${table}_${month.replace('-', '_')}`;
