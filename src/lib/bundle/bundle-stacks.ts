import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';

/** One call of a stack, as V8 shows it. */
interface Frame {
  toString(): string;
}

/**
 * Has the stacks of errors name the sources of a bundle, by its source map `FILE.map`, which is read when the first
 * stack is shown. Node's own way, `--enable-source-maps`, reads it and counts the lines of the bundle at every start.
 * @param bundle path of its file
 */
export function showSourcesOf(bundle: string): void {
  let map: SourceMap | null | undefined;
  const inBundle = new RegExp(`${RegExp.escape(bundle)}:(\\d+):(\\d+)`, 'g');
  const placeOf = (whole: string, line: string, column: string): string => {
    map ??= readMap(`${bundle}.map`);
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
    if (!entry || !('originalSource' in entry) || entry.originalSource === undefined) return whole;
    const { originalSource, originalLine, originalColumn } = entry;
    return `${join(bundle, '..', originalSource)}:${originalLine + 1}:${originalColumn + 1}`;
  };
  Error.prepareStackTrace = (error, frames: readonly Frame[]) => {
    const text = [headOf(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join('\n');
    return text.includes(bundle) ? text.replaceAll(inBundle, placeOf) : text;
  };
}

/** null: there is none that can be read. */
function readMap(file: string): SourceMap | null {
  try {
    return new SourceMap(
      JSON.parse(readFileSync(file, 'utf8')) as ConstructorParameters<typeof SourceMap>[0],
    );
  } catch {
    return null;
  }
}

/** As V8 begins a stack, whatever its message is made of. */
function headOf(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}
