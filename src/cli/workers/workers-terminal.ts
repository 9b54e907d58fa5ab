import type { ApiAccess } from '../http/api-access.js';
import type { Output } from '../output/output.js';

/** What every workers command needs of the program. */
export interface WorkersTerminal {
  access: ApiAccess;
  output: Output;
}
