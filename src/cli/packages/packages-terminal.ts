import type { ApiAccess } from '../http/api-access.js';
import type { Output } from '../output/output.js';

/** What every packages command needs of the program. */
export interface Terminal {
  access: ApiAccess;
  output: Output;
  /** Aborts at Ctrl-C. */
  interrupt: AbortSignal;
}
