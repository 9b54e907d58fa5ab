import { z } from 'zod';
import { nextCursor } from './fields/next-cursor.js';
import { type FieldKind, SUMMARY_FIELDS } from './history/fields.js';

const text = z.string().nullable();

const FIELD_SCHEMAS = {
  text: z.string(),
  'text or null': text,
  number: z.number(),
  texts: z.array(z.string()),
} as const satisfies Record<FieldKind, z.ZodType>;

type SummaryShape = {
  [Name in keyof typeof SUMMARY_FIELDS]: (typeof FIELD_SCHEMAS)[(typeof SUMMARY_FIELDS)[Name]['holds']];
};

const fieldSchema = ({ holds, description }: { holds: FieldKind; description?: string }): z.ZodType =>
  description === undefined ? FIELD_SCHEMAS[holds] : FIELD_SCHEMAS[holds].meta({ description });

/** One archived execution as `GET /executions` lists it. Long texts are shortened; the whole document has them. */
export const executionSummarySchema = z
  .object(
    Object.fromEntries(
      Object.entries(SUMMARY_FIELDS).map(([name, field]) => [name, fieldSchema(field)]),
    ) as SummaryShape,
  )
  .meta({ id: 'ExecutionSummary' });

/** A page of the history, newest first. */
export const historyPageSchema = z
  .object({
    executions: z.array(executionSummarySchema),
    next_cursor: nextCursor,
  })
  .meta({ id: 'HistoryPage' });

export const STATISTIC_GROUPS = ['day', 'workflow', 'status'] as const;
export type StatisticGroup = (typeof STATISTIC_GROUPS)[number];

/** Executions counted by day, workflow and status, or by some of these. */
export const statisticsSchema = z
  .object({
    from: z.string().meta({ description: 'First day that is counted, UTC' }),
    to: z.string().meta({ description: 'Last day that is counted, UTC' }),
    percentile_error: z
      .number()
      .meta({ description: 'Percentiles are off by at most this part of themselves' }),
    groups: z.array(
      z.object({
        day: z.string().optional(),
        workflow_id: text.optional(),
        status: z.string().optional(),
        executions: z.number(),
        duration_ms: z.object({ mean: z.number(), p50: z.number(), p95: z.number() }),
      }),
    ),
  })
  .meta({ id: 'Statistics' });

/** What a deletion removed. */
export const forgottenSchema = z
  .object({
    executions: z.number().meta({ description: 'Executions of which something was removed' }),
    archived: z.number().meta({ description: 'Those of them that the archive had' }),
  })
  .meta({ id: 'Forgotten' });

export type ExecutionSummary = z.infer<typeof executionSummarySchema>;
export type HistoryPage = z.infer<typeof historyPageSchema>;
export type Statistics = z.infer<typeof statisticsSchema>;
export type StatisticsGroup = Statistics['groups'][number];
export type ForgetResult = z.infer<typeof forgottenSchema>;
