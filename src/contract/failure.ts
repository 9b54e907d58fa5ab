/** Why an execution failed: a closed set. Whose fault and what to do: docs/failure-codes.md. */
export const FAILURE_CODES = [
  'USER_ERROR',
  'TIMED_OUT',
  'CANCELLED',
  'OUT_OF_MEMORY',
  'OUTPUT_LIMIT',
  'RUNNER_CRASHED',
  'PROTOCOL_VIOLATION',
  'RESULT_NOT_SERIALIZABLE',
  'INVALID_JOB',
  'CONTEXT_NOT_FOUND',
  'CHILD_FAILED',
  'MODULE_NOT_FOUND',
  'MODULE_LIMIT',
  'COMPILE_LIMIT',
  'PACKAGE_REFUSED',
  'PACKAGE_INSTALL_FAILED',
  'STALLED_OUT',
  'INTERNAL',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** What the public sees in `error_type` when no class of the user's code names the error. */
export const ERROR_TYPES: Readonly<Record<FailureCode, string>> = {
  USER_ERROR: 'Error',
  TIMED_OUT: 'TimeoutError',
  CANCELLED: 'Cancelled',
  OUT_OF_MEMORY: 'OutOfMemory',
  OUTPUT_LIMIT: 'OutputLimit',
  RUNNER_CRASHED: 'RunnerCrashed',
  PROTOCOL_VIOLATION: 'ProtocolViolation',
  RESULT_NOT_SERIALIZABLE: 'ResultNotSerializable',
  INVALID_JOB: 'InvalidJob',
  CONTEXT_NOT_FOUND: 'ContextNotFound',
  CHILD_FAILED: 'ChildFailed',
  MODULE_NOT_FOUND: 'ModuleNotFound',
  MODULE_LIMIT: 'ModuleLimit',
  COMPILE_LIMIT: 'CompileLimit',
  PACKAGE_REFUSED: 'PackageRefused',
  PACKAGE_INSTALL_FAILED: 'PackageInstallFailed',
  STALLED_OUT: 'StalledOut',
  INTERNAL: 'InternalError',
};

/** Exit code that a task result carries for a timeout, as coreutils' `timeout` does. */
export const TIMEOUT_EXIT_CODE = 124;
