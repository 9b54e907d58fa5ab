import type { IsolationLevelName } from '../../contract/confinement.js';
import type { IsolationCheck, IsolationGrade } from '../../contract/isolation-report.js';
import { heldByNodeAlone } from './attack-checks.js';

/** What the checks amount to; what the letters mean: contract/isolation-report.ts. */
export function gradeOf(level: IsolationLevelName, checks: readonly IsolationCheck[]): IsolationGrade {
  if (level === 'thread' || checks.some(({ outcome }) => outcome === 'failed')) return 'D';
  if (heldByNodeAlone(checks).length > 0) return 'C';
  return level === 'namespace' ? 'A' : 'B';
}
