import type { ApiAccess } from '../http/api-access.js';
import type { Output } from '../output/output.js';

/** What the commands need beside their command line. */
export interface SchedulesIo {
  access: ApiAccess;
  output: Output;
}
