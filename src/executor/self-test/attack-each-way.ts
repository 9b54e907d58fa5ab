import type { CompilerPool } from '../../compile/compiler-pool.js';
import type { RunnerSettings } from '../../config/slices.js';
import { isAtLeast, type IsolationReport } from '../../contract/isolation-report.js';
import type { RunnerFactory } from '../pool/runner-factory.js';
import { attackItself } from './attack-itself.js';

/** What the self-test found, and whether runners may be forked. */
export interface WaysReport {
  /** Of the runners that executions get. */
  report: IsolationReport;
  /** Why forked runners are not used: started ones are kept apart better; null: they are not. */
  weaker: string | null;
}

/**
 * Attacks this worker from inside runners as they come about here. Where those are forked and do not come to the
 * best grade, also from started ones: forked runners must be no worse.
 */
export async function attackEachWay(
  settings: RunnerSettings,
  factory: RunnerFactory,
  compilers: Pick<CompilerPool, 'any'>,
): Promise<WaysReport> {
  const report = await attackItself(settings, factory, compilers);
  if (factory.way.start === 'spawn' || report.grade === 'A') return { report, weaker: null };
  const started = await attackItself(settings, factory, compilers, 'spawn');
  if (isAtLeast(report.grade, started.grade)) return { report, weaker: null };
  const failed = report.checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  const weaker = `forked runners come to grade ${report.grade}, started ones to ${started.grade} (failed: ${failed.join(', ')})`;
  return { report: started, weaker };
}
