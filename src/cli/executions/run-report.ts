import type { ExecutionResult, ExecutionStatus } from '../../contract/result.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, asLines } from '../output/output.js';
import { variablesOf } from './variables-report.js';

/** What `bifrost run` says of a result. */
export interface Report {
  /** What the code printed, and what it returned as JSON. */
  stdout: string;
  /** What the code printed there. */
  stderr: string;
  /** Why it did not succeed, and where; empty when it did. */
  failure: string;
}

const EXIT_CODES: Readonly<Record<ExecutionStatus, ExitCode>> = {
  succeeded: EXIT.succeeded,
  failed: EXIT.failed,
  timed_out: EXIT.timedOut,
  cancelled: EXIT.cancelled,
};

/** Exit code for an outcome. A status of a newer worker that is not known here is no success. */
export const exitCodeOf = (status: ExecutionStatus): ExitCode => EXIT_CODES[status] ?? EXIT.failed;

/**
 * Puts a result into the words and streams of a terminal.
 * @param printed the code's output as far as it is still to be printed: empty where it was shown already
 */
export function reportOf(
  result: ExecutionResult,
  printed: Pick<ExecutionResult, 'stdout' | 'stderr'> = result,
): Report {
  const value = result.success && result.result != null ? asJson(result.result) : '';
  return {
    stdout: value ? asLines(printed.stdout) + value : printed.stdout,
    stderr: result.success ? printed.stderr : asLines(printed.stderr),
    failure: result.success ? '' : failureOf(result),
  };
}

function failureOf(result: ExecutionResult): string {
  const { status, failure, error, error_type: type, stderr } = result;
  const message = error ?? failure?.message ?? 'no reason given';
  const what = [failure?.code, type && `${type}:`, message].filter(Boolean).join(' ');
  const head = `${status.replaceAll('_', ' ')}: ${what}`;
  const trace = traceOf(failure?.stack ?? '', `${type}: ${message}`);
  // A script that throws has written its stack to stderr already, as node does.
  const text = trace === '' || stderr.includes(trace) ? `${head}\n` : `${head}\n${trace}\n`;
  return text + variablesOf(result);
}

/** The stack without the words that the line above it says already. */
function traceOf(stack: string, heading: string): string {
  const rest = stack.startsWith(heading) ? stack.slice(heading.length) : stack;
  return rest.replace(/^\n+/, '').trimEnd();
}
