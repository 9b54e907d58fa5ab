import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SourcePlaces, type SourceMapText } from './source-places.js';

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
  let places: SourcePlaces | null | undefined;
  const inBundle = new RegExp(`${RegExp.escape(bundle)}:(\\d+):(\\d+)`, 'g');
  const placeOf = (whole: string, line: string, column: string): string => {
    if (places === undefined) places = readPlaces(`${bundle}.map`);
    const place = places?.find(Number(line) - 1, Number(column) - 1);
    return place ? `${join(bundle, '..', place.source)}:${place.line + 1}:${place.column + 1}` : whole;
  };
  Error.prepareStackTrace = (error, frames: readonly Frame[]) => {
    const text = [headOf(error), ...frames.map((frame) => `    at ${frame.toString()}`)].join('\n');
    return text.includes(bundle) ? text.replaceAll(inBundle, placeOf) : text;
  };
}

/** null: there is none that can be read. */
function readPlaces(file: string): SourcePlaces | null {
  try {
    return new SourcePlaces(JSON.parse(readFileSync(file, 'utf8')) as SourceMapText);
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
