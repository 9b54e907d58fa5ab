import type { ApiAccess } from '../http/api-access.js';
import type { Output } from '../output/output.js';

/** What `bifrost run` needs beside its command line. */
export interface RunIo {
  access: ApiAccess;
  output: Output;
  /** Aborted by Ctrl-C. */
  interrupt: AbortSignal;
  /** What `--secret NAME` and `--env NAME` take their values from. */
  env?: Readonly<Record<string, string | undefined>>;
  patienceMs?: number;
}
