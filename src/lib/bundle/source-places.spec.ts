import { expect, it } from '@jest/globals';
import { buildSync } from 'esbuild';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { SourcePlaces, type SourceMapText } from './source-places.js';

/** A program of ours and all that it imports: some thousand lines. */
function bundled(): { lines: string[]; map: SourceMapText } {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, '../../runner/entry/template.ts')],
    outfile: 'out.cjs',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: 'external',
    write: false,
  });
  const [map = '', code = ''] = outputFiles.map(({ text }) => text);
  return { lines: code.split('\n'), map: JSON.parse(map) as SourceMapText };
}

it('finds what the class of Node finds', () => {
  const { lines, map } = bundled();
  const places = new SourcePlaces(map);
  const nodes = new SourceMap(map as unknown as ConstructorParameters<typeof SourceMap>[0]);
  const [found, wanted]: [string[], string[]] = [[], []];
  for (const [line, text] of lines.entries())
    for (const column of [0, text.length >> 1]) {
      const entry = nodes.findEntry(line, column);
      // Where a line has no segment Node shows one of a line before.
      if (!('generatedLine' in entry) || entry.generatedLine !== line) continue;
      wanted.push(`${entry.originalSource}:${entry.originalLine}:${entry.originalColumn}`);
      const place = places.find(line, column);
      found.push(`${place?.source}:${place?.line}:${place?.column}`);
    }
  expect(found).toEqual(wanted);
  expect(lines.length).toBeGreaterThan(1000);
  expect(found.length).toBeGreaterThan(1000);
});

it('knows segments without a source, with a name, and after lines that have none', () => {
  // Column 0: all zero, with a name. Column 4: no source. Two lines on, column 2: source 1, line 1, column 3.
  const places = new SourcePlaces({ sources: ['a.ts', 'b.ts'], mappings: 'AAAAA,I;;ECCG' });
  expect(places.find(0, 3)).toEqual({ source: 'a.ts', line: 0, column: 0 });
  expect(places.find(0, 4)).toBeNull();
  expect(places.find(1, 0)).toBeNull();
  expect(places.find(2, 1)).toBeNull();
  expect(places.find(2, 9)).toEqual({ source: 'b.ts', line: 1, column: 3 });
  expect(places.find(3, 0)).toBeNull();
});

it('numbers may be negative and of several digits', () => {
  // 'gB' is 16, 'hB' is -16.
  const places = new SourcePlaces({ sources: ['a.ts'], mappings: 'AAgBA;AAhBgB' });
  expect(places.find(0, 0)).toEqual({ source: 'a.ts', line: 16, column: 0 });
  expect(places.find(1, 0)).toEqual({ source: 'a.ts', line: 0, column: 16 });
});
