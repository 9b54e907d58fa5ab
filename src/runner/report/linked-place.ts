import { findSourceMap, type SourceMapping } from 'node:module';

const findMap = findSourceMap;
/** As Node begins the stack of an error that no code threw: file and line, that line, and a mark below it. */
const PLACE = /^(file:\/\/[^\n]{1,4096}):(\d{1,9})\n[^\n]*\n( *)\^+\n/;

/**
 * The text of an error of which Node says the place by itself, such as an export that is not there: it names the line of
 * what was compiled, and this the one that was written. Any other text is as it was.
 */
export function withWrittenPlace(shown: string): string {
  const place = PLACE.exec(shown);
  if (place === null) return shown;
  const [, url = '', line = '', before = ''] = place;
  const written = writtenLine(url, Number(line) - 1, before.length);
  if (written === null) return shown;
  // A runner that is kept loads inline code by a URL of its own each time.
  const file = url.replace(/\?run=\d+$/, '');
  return `${file}:${written + 1}${shown.slice(url.length + 1 + line.length)}`;
}

/** null: there is no map, or none that can be read; code may evaluate more code with a map of its own. */
function writtenLine(url: string, line: number, column: number): number | null {
  try {
    const entry: Partial<SourceMapping> | undefined = findMap(url)?.findEntry(line, column);
    return entry?.originalLine ?? null;
  } catch {
    return null;
  }
}
