import { z } from 'zod';
import { cancellationSchema } from './cancellation.js';
import { EXECUTION_STATUSES, type ExecutionStatus, FAILURE_CODES } from './failure.js';
import { artifactSchema } from './fields/artifacts.js';
import { resultIsolationSchema } from './isolation-report.js';
import { subjectSchema } from './subject.js';

export { EXECUTION_STATUSES, type ExecutionStatus };

const when = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** What was seen of a failure, for the person that has to explain it. Every field is optional. */
export const evidenceSchema = z.looseObject({
  exit_code: z.number().nullish(),
  signal: z.string().nullish(),
  stderr_tail: z.string().optional(),
  memory_samples_mb: z.array(z.number()).optional(),
  blocked_stack: z.string().optional().meta({ description: 'Where the code was at its time limit' }),
  blocked_at: z.object({ file: z.string(), line: z.number(), function: z.string() }).optional(),
  locals: z
    .array(
      z.object({
        file: z.string(),
        line: z.number(),
        function: z.string(),
        variables: z.record(z.string(), z.unknown()),
      }),
    )
    .optional()
    .meta({
      description:
        'With capture_locals: the calls that the error went through, innermost first, and what their variables held',
    }),
  error: z
    .object({
      fields: z.record(z.string(), z.unknown()).optional(),
      cause: z.unknown().optional(),
      errors: z.array(z.unknown()).optional(),
    })
    .optional()
    .meta({
      description:
        'Of the error that ended it: the fields that the code gave it, its cause, and the errors that it gathers (AggregateError, SuppressedError), bounded',
    }),
  waiting: z.string().optional().meta({ description: 'At its time limit the code waited, and for what' }),
  stuck: z
    .boolean()
    .optional()
    .meta({ description: 'Blocked in native code, its thread could not be ended' }),
  limit: z.string().optional().meta({ description: 'The limit that was reached' }),
  artifacts: z
    .string()
    .optional()
    .meta({ description: 'Why what it left was not kept, where it had failed already' }),
  field: z.string().optional(),
  child: z
    .object({
      job_id: z.string(),
      queue: z.string(),
      execution_id: z.string().nullable(),
      error: z.string().nullable(),
    })
    .optional()
    .meta({ description: 'The child of the flow that failed' }),
  fields: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .meta({ description: 'Parameters that the workflow does not take as they are: dotted path, and why' }),
});

/** One of the failure codes: named, so that a published document has the list once. */
export const failureCodeSchema = z
  .enum(FAILURE_CODES, { error: `must be one of ${FAILURE_CODES.join(', ')}` })
  .meta({
    id: 'FailureCode',
    description: 'Why an execution failed; docs/failure-codes.md says of each code what to do',
  });

export const failureSchema = z.object({
  code: failureCodeSchema,
  message: z.string(),
  stack: z.string().nullable(),
  retryable: z
    .literal(false)
    .optional()
    .meta({ description: 'The code said that another attempt cannot help' }),
  evidence: evidenceSchema,
});

/** One print of the code. */
export const logEntrySchema = z.object({
  ts: when,
  level: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  message: z.string().meta({ description: 'What was printed at once, without the line end that followed' }),
  partial: z.literal(true).optional().meta({ description: 'No line end followed' }),
  fields: z.record(z.string(), z.unknown()).optional().meta({ description: 'Given to context.logger' }),
});

/** How far the code said that it is. */
export const progressSchema = z.object({
  fraction: z.number().meta({ description: '0 to 1' }),
  message: z.string().nullable(),
});

const figure = (description: string) => z.number().nullish().meta({ description });

/** The receipt: what an execution used and where its time went. null or absent: it could not be measured. */
export const metricsSchema = z
  .object({
    queue_ms: figure(
      'Ready to be taken, until this attempt was; neither a delay that was asked for nor a back-off counts',
    ),
    delay_ms: figure('The delay that its job asked for, as far as it was waited for'),
    backoff_ms: figure('The pause between the attempt before and this one that its job asked for'),
    prepare_ms: figure('Collecting and compiling the code'),
    runner_wait_ms: figure('Waiting for a free runner'),
    module_load_ms: figure('In the runner: loading modules; for a script, running its top level too'),
    run_ms: figure('In the runner: from the start, loading included, until the end'),
    user_time_seconds: figure('CPU time of the code'),
    system_time_seconds: figure('CPU time of the kernel for the code'),
    peak_memory_mb: figure('Most resident memory of its process; for threads, of all of them together'),
    peak_memory_bytes: figure('peak_memory_mb in bytes; this and the next three are the names of the engine'),
    cpu_user_seconds: figure('As user_time_seconds'),
    cpu_system_seconds: figure('As system_time_seconds'),
    network_bytes: figure('Bytes that it had through the proxy of the worker, both ways'),
    cpu_total_seconds: figure('User and system time together'),
  })
  .catchall(z.number().nullable());

export type Metrics = z.infer<typeof metricsSchema>;

/** One try to carry out an execution that was tried more than once. */
export const attemptRecordSchema = z.object({
  attempt: z.number().int(),
  status: z
    .enum([...EXECUTION_STATUSES, 'lost'])
    .meta({ description: 'lost: its worker died or vanished; nothing more is known of it' }),
  worker_id: z.string(),
  started_at: when,
  finished_at: when.nullable(),
  duration_ms: z.number().nullable(),
  error: z.string().nullable(),
  error_type: z.string().nullable(),
  failure: failureSchema.pick({ code: true, message: true, stack: true }).nullable(),
  logs: z.array(logEntrySchema).meta({ description: 'The end of what it logged' }),
  logs_truncated: z.boolean(),
});

/** One start of the code of an execution that was started more than once. */
export const startRecordSchema = z.object({
  start: z.number().int(),
  worker_id: z.string(),
  started_at: when,
  ended: z.enum(['result', 'failed', 'handed_back', 'lost', 'overtaken']).meta({
    description:
      'result: this result; failed: the attempt was tried again; handed_back: to the queue, without counting as an attempt; lost: its worker died, froze or was cut off; overtaken: it still ran when another start came to this result, and was ended',
  }),
  ended_at: when.nullable(),
});

/** `bifrost:exec:{execution_id}:result`, and the data of the result-queue job of an execution. */
export const resultSchema = z.object({
  execution_id: z.string(),
  worker_id: z.string(),
  attempt: z.number().int(),
  starts: z.number().int().optional().meta({
    description:
      'How often its code was given to a runner in this run, whether that counts as an attempt or not; 0: no code ran. A worker that was lost counts as having started it',
  }),
  start_history: z
    .array(startRecordSchema)
    .optional()
    .meta({ description: 'All starts, where there was more than one; of many the latest 20' }),
  run: z.number().int().optional().meta({
    description: 'Which run of the execution it is, where it ran again: docs/identity.md. Absent: the first',
  }),
  schedule: z
    .object({ id: z.string(), due_at: when })
    .optional()
    .meta({ description: 'The job scheduler of BullMQ whose tick it is, and when that was due' }),
  ...subjectSchema.shape,
  success: z.boolean(),
  status: z.enum(EXECUTION_STATUSES),
  result: z.unknown(),
  error: z.string().nullable(),
  error_type: z.string().nullable(),
  failure: failureSchema.nullable(),
  duration_ms: z.number(),
  queued_ms: z.number(),
  started_at: when,
  finished_at: when,
  logs: z.array(logEntrySchema),
  logs_truncated: z.boolean(),
  progress: progressSchema
    .nullish()
    .meta({ description: 'The last that the code reported by context.progress; null: it reported none' }),
  stdout: z.string(),
  stderr: z.string(),
  exit_code: z.number().nullable(),
  variables: z.record(z.string(), z.unknown()),
  artifacts: z.array(artifactSchema).optional().meta({
    description: 'Files that it left, by name; GET /executions/{id}/artifacts has links. Absent: none',
  }),
  metrics: metricsSchema,
  cancellation: cancellationSchema
    .optional()
    .meta({ description: 'The request to cancel the execution: when it came, and what became of it' }),
  isolation: resultIsolationSchema
    .optional()
    .meta({ description: 'How the worker of this attempt keeps code apart; absent where no worker took it' }),
  attempts: z
    .array(attemptRecordSchema)
    .optional()
    .meta({ description: 'All attempts, where there was more than one; of many the latest 20' }),
  workspace_generation: z.number().nullable(),
  package_set: z.string().nullable(),
});

export type Evidence = z.infer<typeof evidenceSchema>;
export type LogEntry = z.infer<typeof logEntrySchema>;
export type AttemptRecord = z.infer<typeof attemptRecordSchema>;
export type StartRecord = z.infer<typeof startRecordSchema>;
export type ExecutionProgress = z.infer<typeof progressSchema>;
export type ExecutionResult = z.infer<typeof resultSchema>;
