import { SourceMap, type SourceMapPayload, type SourceMapping } from 'node:module';
import type { SourcePosition, TextPosition } from '../../boundary/text-position.js';
import { offsetOfSpecifier } from './requires.js';

/** A source of a longer name is not named. */
const SOURCE_CHARS = 2048;
const MAP_COMMENT = '//# sourceMappingURL=data:application/json;base64,';

/** Where these places of compiled code are in the original source; null for each that has no counterpart. */
export function locate(compiled: string, places: readonly TextPosition[]): (SourcePosition | null)[] {
  const map = inlineMap(compiled);
  return places.map((place) => originalOf(map, place));
}

/** The map is the user's own where the code brings one, and may hold anything. */
function originalOf(map: SourceMap | null, { line, column }: TextPosition): SourcePosition | null {
  try {
    const entry = (map?.findEntry(line, column) ?? {}) as Partial<SourceMapping>;
    const { originalLine, originalColumn, originalSource } = entry;
    return isIndex(originalLine) && isIndex(originalColumn)
      ? { line: originalLine, column: originalColumn, ...sourceOf(originalSource) }
      : null;
  } catch {
    return null;
  }
}

const sourceOf = (name: unknown): Pick<SourcePosition, 'source'> =>
  typeof name === 'string' && name.length <= SOURCE_CHARS ? { source: name } : {};

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Where the original source names a specifier; null when it is computed. */
export function locateSpecifier(compiled: string, specifier: string): SourcePosition | null {
  const at = offsetOfSpecifier(compiled, specifier);
  if (at < 0) return null;
  const before = compiled.slice(0, at).split('\n');
  const place = { line: before.length - 1, column: (before.at(-1) as string).length };
  return locate(compiled, [place])[0] ?? null;
}

function inlineMap(compiled: string): SourceMap | null {
  const at = compiled.lastIndexOf(MAP_COMMENT);
  if (at < 0) return null;
  try {
    const text = Buffer.from(compiled.slice(at + MAP_COMMENT.length).trim(), 'base64').toString('utf8');
    return new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    return null;
  }
}
