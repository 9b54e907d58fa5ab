import { SourceMap, type SourceMapPayload } from 'node:module';
import type { CompiledModule } from './compiled-source.js';

const MAP = /\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z\d+/=]+)\s*$/;

/**
 * Where a module's original source names a specifier: line and column from 1, or null when it is
 * computed. Costs a search and a decoded source map: for error messages.
 */
export function locateSpecifier(
  compiled: CompiledModule,
  specifier: string,
): { line: number; column: number } | null {
  const map = MAP.exec(compiled.source);
  const at = map ? offsetOf(compiled.source, specifier) : -1;
  if (!map || at < 0) return null;
  const before = compiled.source.slice(0, at).split('\n');
  const payload = JSON.parse(Buffer.from(map[1] as string, 'base64').toString()) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(before.length - 1, (before.at(-1) as string).length);
  if (!('originalLine' in entry)) return null;
  return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

/** Offset of the string literal: esbuild prints double quotes unless the text holds some. */
function offsetOf(code: string, specifier: string): number {
  const found = ['"', "'", '`']
    .map((quote) => code.search(importOf(quote + escapeRegExp(specifier) + quote)))
    .filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : -1;
}

const importOf = (literal: string): RegExp =>
  new RegExp(
    String.raw`(?<=\b(?:from|import)\s*|\b(?:import|require|__bifrost_require)(?:\.resolve)?\(\s*)${literal}`,
  );

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
