import { TIMEOUT_EXIT_CODE } from '../../contract/failure.js';

/** Exit codes of the client commands: a closed set that scripts rely on. */
export const EXIT = {
  succeeded: 0,
  failed: 1,
  /** The command line or the request cannot be used as it is. */
  usage: 2,
  /** The API cannot be asked, or does not answer as it should. */
  unavailable: 3,
  timedOut: TIMEOUT_EXIT_CODE,
  /** The execution was cancelled, or the waiting for it: what a shell says of SIGINT. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for the terminal, without a stack. */
export class CommandError extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
  }
}
