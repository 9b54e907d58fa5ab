export const EXECUTION_STATUSES = ['succeeded', 'failed', 'timed_out', 'cancelled'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** How an execution that failed is shown. */
export type FailedStatus = Exclude<ExecutionStatus, 'succeeded'>;

/** What is to be said of one failure code. Texts are Markdown, and all that any page says of it. */
export interface FailureRow {
  status: FailedStatus;
  /** What the public sees in `error_type` when no class of the user's code names the error. */
  errorType: string;
  /** Another attempt may follow when the job asks for it; false: that could not help, whatever the job asks for. */
  retry: boolean;
  meaning: string;
  /** Whose fault it is. */
  fault: string;
  /** What to do about it. */
  remedy: string;
  /** Exit code that a task result carries, whatever the process ended with. */
  exitCode?: number;
}

/**
 * Why an execution failed: a closed set, and all that depends on the code alone. `npm run docs` writes
 * docs/failure-codes.md from it.
 */
export const FAILURES = {
  USER_ERROR: {
    status: 'failed',
    errorType: 'Error',
    retry: true,
    meaning: 'The code threw, did not compile, or ended with a non-zero exit code.',
    fault: 'user code',
    remedy: 'Read `failure.stack`: lines and columns are those of the original source.',
  },
  TIMED_OUT: {
    status: 'timed_out',
    errorType: 'TimeoutError',
    retry: true,
    meaning:
      'The limit of time or of CPU time was reached; the code and its processes were killed. Task results carry exit code 124.',
    fault: 'user code',
    remedy:
      'Make it faster: `failure.stack` shows where it was. Or raise `timeout_seconds` (upper bound: `MAX_TIMEOUT_SECONDS`), or `CPU_LIMIT_SECONDS`.',
    // As coreutils' `timeout` does.
    exitCode: 124,
  },
  CANCELLED: {
    status: 'cancelled',
    errorType: 'CancelledError',
    retry: false,
    meaning: 'A request to cancel ended the execution ([execution-control.md](execution-control.md)).',
    fault: 'none',
    remedy: 'Nothing: `cancellation` of the result says when it was asked for, and why.',
  },
  OUT_OF_MEMORY: {
    status: 'failed',
    errorType: 'OutOfMemory',
    retry: true,
    meaning: 'The execution needed more memory than `MEMORY_LIMIT_MB`, or its heap was full.',
    fault: 'user code',
    remedy: 'Process the data in parts, or raise the limit, and the limit of the container with it.',
  },
  OUTPUT_LIMIT: {
    status: 'failed',
    errorType: 'OutputLimit',
    retry: true,
    meaning:
      'Far more output than `OUTPUT_LIMIT_BYTES`, a returned value that is larger, or a file larger than `FILE_SIZE_LIMIT_MB`.',
    fault: 'user code',
    remedy:
      '`failure.message` says which it was. Print less; store large values elsewhere and return a reference.',
  },
  RUNNER_CRASHED: {
    status: 'failed',
    errorType: 'RunnerCrashed',
    retry: true,
    meaning: 'The runner ended without a result, by a signal or a crash of Node.',
    fault: 'user code or the machine',
    remedy:
      'See `failure.evidence`: exit code, signal, the end of stderr. Native packages and a kernel that is short of memory are the usual causes.',
  },
  PROTOCOL_VIOLATION: {
    status: 'failed',
    errorType: 'ProtocolViolation',
    retry: true,
    meaning:
      "Something was written to the runner's own channel that is not a message of it, or not one for this time.",
    fault: 'user code',
    remedy:
      'Do not write to file descriptors that the code did not open. Code that attacks does that as well.',
  },
  RESULT_NOT_SERIALIZABLE: {
    status: 'failed',
    errorType: 'ResultNotSerializable',
    retry: true,
    meaning:
      'The returned value has no JSON form: a cycle, a BigInt; or is nested more than 100 levels deep.',
    fault: 'user code',
    remedy: 'Return plain data; the message has the path to what is not.',
  },
  INVALID_JOB: {
    status: 'failed',
    errorType: 'InvalidJob',
    retry: false,
    meaning: 'A field of the job or its context is missing or wrong; nothing was run.',
    fault: 'producer',
    remedy:
      'Mend the field that `failure.evidence.field` names. Over HTTP this is a 400 before anything is queued.',
  },
  CONTEXT_NOT_FOUND: {
    status: 'failed',
    errorType: 'ContextNotFound',
    retry: false,
    meaning:
      'There is no execution context in Redis under the id of the job: it was never written, was written to another Redis or under another prefix, or expired while the job waited.',
    fault: 'producer',
    remedy: 'Write the context before the job, with a TTL longer than the queue is.',
  },
  SECRET_UNAVAILABLE: {
    status: 'failed',
    errorType: 'SecretUnavailable',
    retry: true,
    meaning:
      'A secret that the context names in `secret_names` is not in the store, or this worker cannot decrypt it; nothing was run.',
    fault: 'producer or operator',
    remedy:
      'Set it with `bifrost secrets set`, or give the worker the key that the message names in `SECRETS_KEY`: [tenants.md](tenants.md#secrets).',
  },
  QUOTA_EXCEEDED: {
    status: 'failed',
    errorType: 'QuotaExceeded',
    retry: false,
    meaning:
      'The organization had used up a quota of the day when a worker came to it; nothing was run. `POST /executions` refuses such work with 429.',
    fault: 'the organization',
    remedy:
      'Ask for it again after the time that the message names, or have the quota raised: [tenants.md](tenants.md#quotas).',
  },
  EXPIRED: {
    status: 'failed',
    errorType: 'Expired',
    retry: false,
    meaning: 'Its `ttl` was over before a worker came to it; nothing was run.',
    fault: 'too few workers, or the producer',
    remedy: 'Start more workers or allow it more time; ask for it again if it is still wanted.',
  },
  SKIPPED: {
    status: 'cancelled',
    errorType: 'Skipped',
    retry: false,
    meaning:
      'A tick of a schedule that was passed over, as its `overlap` or `missed` says ([schedules.md](schedules.md)); nothing was run.',
    fault: 'none',
    remedy: 'Nothing; or let the schedule tick less often, or choose another policy.',
  },
  CHILD_FAILED: {
    status: 'failed',
    errorType: 'ChildFailed',
    retry: false,
    meaning:
      'A child of the flow that the job is the parent of failed, and the flow says that this fails the parent; nothing was run.',
    fault: 'the child',
    remedy: 'See the child that `failure.evidence.child` names; retry it, then the parent.',
  },
  MODULE_NOT_FOUND: {
    status: 'failed',
    errorType: 'ModuleNotFound',
    retry: true,
    meaning:
      'A module or package that the code imports is not there, or the workspace could not be read for it.',
    fault: 'workspace',
    remedy:
      'Add the module to the workspace or the package to the manifest; the message lists where it was looked for.',
  },
  MODULE_LIMIT: {
    status: 'failed',
    errorType: 'ModuleLimit',
    retry: true,
    meaning: 'A module, or all that the code imports, is larger than what one execution may load.',
    fault: 'workspace',
    remedy: 'Split it, or read data as a file; `failure.message` names the limit.',
  },
  COMPILE_LIMIT: {
    status: 'failed',
    errorType: 'CompileLimit',
    retry: false,
    meaning:
      'Compiling one source takes more time, memory or output than it may, or crashes the compiler. Nothing was run.',
    fault: 'user code',
    remedy:
      'Make that source smaller or simpler: minified and generated ones of many megabytes need too much. `failure.message` names the setting.',
  },
  PACKAGE_REFUSED: {
    status: 'failed',
    errorType: 'PackageRefused',
    retry: false,
    meaning:
      'The code imports a package whose line in the manifest is refused. `PUT /packages` says it of each such line.',
    fault: 'manifest',
    remedy:
      'Mend the line that the message names: only packages of the registry are allowed, no URLs, no git, no files.',
  },
  PACKAGE_INSTALL_FAILED: {
    status: 'failed',
    errorType: 'PackageInstallFailed',
    retry: true,
    meaning:
      'The code imports a package of the manifest that npm could not install, or that cannot be imported.',
    fault: 'registry or manifest',
    remedy:
      "Read the end of npm's output in the message or by `bifrost packages status`: a registry that is away, a version that is not there, a token that is missing (`NPM_TOKEN`). Try again when that is mended.",
  },
  ARTIFACT_REFUSED: {
    status: 'failed',
    errorType: 'ArtifactRefused',
    retry: false,
    meaning:
      'The code left artifacts that are too large (`ARTIFACT_MAX_MB`), too many (`ARTIFACT_MAX_COUNT`), no plain files, or of a name that is not allowed ([artifacts.md](artifacts.md)). What it returned is in `result` all the same.',
    fault: 'user code',
    remedy: 'The message names the file, and what is wrong with it.',
  },
  ARTIFACT_STORE_FAILED: {
    status: 'failed',
    errorType: 'ArtifactStoreFailed',
    retry: true,
    meaning:
      'The code ended, but what it left in its artifacts folder could not be stored: the folder or the bucket did not take it.',
    fault: 'disk or object store',
    remedy:
      'Read the message, or `artifacts could not be stored` in the log of the worker; see that `ARTIFACTS_DIR` or the bucket can be written, then run it again.',
  },
  STALLED_OUT: {
    status: 'failed',
    errorType: 'StalledOut',
    retry: false,
    meaning: 'Workers died or vanished repeatedly while they ran this execution.',
    fault: 'user code or the machine',
    remedy:
      'Find out what kills the worker: the memory of the container is the usual cause (`kubectl describe pod`, `OOMKilled`), then code that fills the disk, a signal.',
  },
  INTERNAL: {
    status: 'failed',
    errorType: 'InternalError',
    retry: false,
    meaning: 'The worker itself failed, in two attempts.',
    fault: 'worker',
    remedy:
      "A bug or a broken machine: look for the execution id in the worker's log, and report it with what is there.",
  },
} as const satisfies Readonly<Record<string, FailureRow>>;

export type FailureCode = keyof typeof FAILURES;

export const FAILURE_CODES = Object.keys(FAILURES) as readonly FailureCode[];

/** The row of a code, without what TypeScript knows of each. */
export const failureRow = (code: FailureCode): FailureRow => FAILURES[code];

/** `error_type` of each code. */
export const ERROR_TYPES = Object.fromEntries(
  FAILURE_CODES.map((code) => [code, FAILURES[code].errorType]),
) as Readonly<Record<FailureCode, string>>;

/** Exit code that a task result carries for a timeout. */
export const TIMEOUT_EXIT_CODE = FAILURES.TIMED_OUT.exitCode;
