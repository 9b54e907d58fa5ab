import type { CompileLimit } from '../telemetry/measurements.js';
import type { InvalidSource } from './protocol.js';

/** A place in a source: lines and columns begin at 1, as in stack traces and editors. */
export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

/** A source cannot be compiled. `message` says why and shows the line with a mark under the place. */
export class CompileError extends Error {
  /** What Node would have called it; becomes `error_type` of the result. */
  override name = 'SyntaxError';
  readonly location: SourceLocation | null;

  constructor(source: InvalidSource) {
    super(source.location ? withFrame(source, source.location) : source.reason);
    this.location = source.location;
  }
}

/** Compiling a source takes more than it may. The fault of that source alone; another try ends the same. */
export class CompileLimitError extends Error {
  override name = 'CompileLimit';

  constructor(
    readonly limit: CompileLimit,
    message: string,
  ) {
    super(message);
  }
}

/** Compiling used up the time limit of the execution that it was for. */
export class CompileTimeoutError extends Error {
  override name = 'TimeoutError';
}

/** No compiler can be started at present; the message says why. Not the fault of any source. */
export class CompilerUnavailableError extends Error {
  override name = 'CompilerUnavailableError';
}

function withFrame({ reason, line }: InvalidSource, location: SourceLocation): string {
  const head = `${reason}\n    ${location.file}:${location.line}:${location.column}:`;
  if (line === undefined) return head;
  const gutter = String(location.line);
  const indent = ' '.repeat(line.markFrom);
  return [
    head,
    `      ${gutter} │ ${line.text}`,
    `      ${' '.repeat(gutter.length)} ╵ ${indent}${line.markChars > 1 ? '~'.repeat(line.markChars) : '^'}`,
  ].join('\n');
}
