import { type Expression, expressionBuilder, type ExpressionBuilder, sql, type SqlBool } from 'kysely';
import type { Tables } from '../schema.js';
import { toStorable } from '../storable-text.js';

/** What executions must be to be found; every field narrows. */
export interface HistoryFilter {
  status?: readonly string[] | undefined;
  code?: string | undefined;
  workflow?: string | undefined;
  organization?: string | undefined;
  /** User id or e-mail address. */
  caller?: string | undefined;
  worker?: string | undefined;
  /** Id of the job scheduler whose ticks they are. */
  schedule?: string | undefined;
  tag?: string | undefined;
  /** Ended at this moment or later. */
  since?: Date | undefined;
  /** Ended before this moment. */
  until?: Date | undefined;
  minDurationMs?: number | undefined;
  /** Part of the id or of the error, in upper or lower case. */
  text?: string | undefined;
}

type Builder = ExpressionBuilder<Tables, 'executions'>;

/** The conditions of a filter. Values are bound as parameters, never part of the statement. */
export function conditionsOf(filter: HistoryFilter): Expression<SqlBool>[] {
  const eb: Builder = expressionBuilder();
  const { status, since, until, minDurationMs, tag, text, caller } = filter;
  const equal = (['code', 'workflow', 'organization', 'worker', 'schedule'] as const).flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [eb(COLUMNS[name], '=', toStorable(value))];
  });
  return [
    ...equal,
    ...(status === undefined ? [] : [eb('status', 'in', [...status])]),
    ...(caller === undefined
      ? []
      : [eb.or([eb('caller_id', '=', toStorable(caller)), eb('caller_email', '=', toStorable(caller))])]),
    ...(tag === undefined ? [] : [sql<SqlBool>`tags @> ARRAY[${toStorable(tag)}]::text[]`]),
    ...(since === undefined ? [] : [eb('finished_at', '>=', timestamp(since))]),
    ...(until === undefined ? [] : [eb('finished_at', '<', timestamp(until))]),
    ...(minDurationMs === undefined ? [] : [eb('duration_ms', '>=', minDurationMs)]),
    ...(text === undefined ? [] : [eb('search', 'like', containing(text))]),
  ];
}

const COLUMNS = {
  code: 'failure_code',
  workflow: 'workflow_id',
  organization: 'organization_id',
  worker: 'worker_id',
  schedule: 'schedule',
} as const;

/** A bound moment. */
export const timestamp = (time: Date) => sql<Date>`${time.toISOString()}::timestamptz`;

/** The LIKE pattern of texts that contain this one; its own wildcards mean themselves. */
export const containing = (text: string): string =>
  `%${toStorable(text)
    .toLowerCase()
    .replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
