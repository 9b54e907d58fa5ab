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

  constructor(
    reason: string,
    readonly location: SourceLocation | null,
    lineText?: string,
    markLength = 1,
  ) {
    super(location ? withFrame(reason, location, lineText, markLength) : reason);
  }
}

const FRAME_WIDTH = 160;

function withFrame(
  reason: string,
  location: SourceLocation,
  lineText: string | undefined,
  markLength: number,
): string {
  const head = `${reason}\n    ${location.file}:${location.line}:${location.column}:`;
  if (lineText === undefined) return head;
  const from = Math.max(0, location.column - FRAME_WIDTH / 2);
  const shown = lineText.slice(from, from + FRAME_WIDTH).replaceAll('\t', ' ');
  const gutter = String(location.line);
  const mark = '~'.repeat(Math.min(markLength, shown.length - (location.column - 1 - from)));
  const indent = ' '.repeat(location.column - 1 - from);
  return [
    head,
    `      ${gutter} │ ${shown}`,
    `      ${' '.repeat(gutter.length)} ╵ ${indent}${markLength > 1 && mark ? mark : '^'}`,
  ].join('\n');
}
