import { z } from 'zod';
import { ISOLATION_LEVELS, NETWORK_POLICIES, RUNNER_STARTS } from './confinement.js';

/**
 * How well a worker keeps user code from everything else, as it has seen by attacking itself; the best first.
 *
 * A: everything was refused, by the kernel alone too, at the level `namespace`
 * B: the same at the level `process`: code shares the machine's view, and is refused each use of it
 * C: everything was refused, some of it by Node's permission model alone
 * D: something was not refused, or code is not kept apart at all (threads)
 */
export const ISOLATION_GRADES = ['A', 'B', 'C', 'D'] as const;
export type IsolationGrade = (typeof ISOLATION_GRADES)[number];

export const CHECK_OUTCOMES = ['held', 'failed', 'not_applicable'] as const;

/** One thing that was tried or looked at. */
export const isolationCheckSchema = z.object({
  name: z.string(),
  tries: z.string().meta({ description: 'What user code would have to do' }),
  outcome: z.enum(CHECK_OUTCOMES),
  by: z
    .enum(['kernel', 'node'])
    .nullable()
    .meta({ description: "What refuses it: the kernel even without Node's permission model, or that alone" }),
  detail: z.string().meta({ description: 'What was seen, and for a failed check what to do' }),
});

const nativeAddons = z.literal(true).optional().meta({
  description: 'NATIVE_ADDONS=on: packages may load native code, which the kernel alone keeps. Absent: none',
});

/** What a worker found out about its own isolation when it started. */
export const isolationReportSchema = z.object({
  level: z.enum(ISOLATION_LEVELS),
  grade: z.enum(ISOLATION_GRADES),
  network: z.enum(NETWORK_POLICIES),
  native_addons: nativeAddons,
  checks: z.array(isolationCheckSchema),
  took_ms: z.number(),
});

/** The part of it that every result carries. */
export const resultIsolationSchema = z.object({
  level: z.enum(ISOLATION_LEVELS),
  grade: z.enum(ISOLATION_GRADES).meta({ description: 'A to D: docs/security-model.md#grades' }),
  network: z.enum(NETWORK_POLICIES),
  start: z
    .enum(RUNNER_STARTS)
    .optional()
    .meta({ description: 'How its runner came about: docs/runners.md; absent where none had it' }),
  native_addons: nativeAddons,
});

export type IsolationCheck = z.infer<typeof isolationCheckSchema>;
export type IsolationReport = z.infer<typeof isolationReportSchema>;
export type ResultIsolation = z.infer<typeof resultIsolationSchema>;

/** Whether `grade` is as good as `wanted`, or better. */
export const isAtLeast = (grade: IsolationGrade, wanted: IsolationGrade): boolean =>
  ISOLATION_GRADES.indexOf(grade) <= ISOLATION_GRADES.indexOf(wanted);

/** Names of the checks that failed. */
export const failedChecks = ({ checks }: Pick<IsolationReport, 'checks'>): string[] =>
  checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
