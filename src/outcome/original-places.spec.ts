import { describe, expect, it } from '@jest/globals';
import { OriginalPlaces } from './original-places.js';

const ROOT = 'file:///w/';
const SENT = {
  rootUrl: ROOT,
  modules: [{ url: `${ROOT}a.ts`, format: 'module' as const, source: 'compiled' }],
};
const at = (url: string, line = 4, column = 2) => ({ functionName: 'f', url, line, column });
const find = (places: ReturnType<typeof at>[]) =>
  OriginalPlaces.find(places, SENT, (_, asked) =>
    Promise.resolve(asked.map(({ line, column }) => (line < 10 ? { line: line * 10, column } : null))),
  );

describe('places that a runner names', () => {
  it('are those of the original source, counted from 1', async () => {
    const place = at(`${ROOT}a.ts?run=1`);
    expect((await find([place])).get(place)).toEqual({ file: '/w/a.ts', line: 41, column: 3, function: 'f' });
  });

  it('stay where the source is not known, or has no counterpart', async () => {
    for (const place of [at(`${ROOT}b.ts`), at(`${ROOT}a.ts`, 20)])
      expect((await find([place])).get(place)).toMatchObject({ line: place.line + 1 });
  });

  it.each([
    ['file:///w/src/b.ts', '/w/src/b.ts'],
    ['webpack://app/b.ts', 'webpack://app/b.ts'],
  ])('are in the source that a map of the code names: %s', async (source, file) => {
    const place = at(`${ROOT}a.ts`);
    const locate = () => Promise.resolve([{ line: 1, column: 2, source }]);
    expect((await OriginalPlaces.find([place], SENT, locate)).get(place)).toMatchObject({ file, line: 2 });
  });

  it('of packages are shown, of anything else not', async () => {
    const inPackage = at('/p/node_modules/x/index.js');
    const originals = await find([inPackage]);
    expect(originals.get(inPackage)).toMatchObject({ file: '/p/node_modules/x/index.js', line: 5 });
    expect(originals.get(at('node:internal/main'))).toBeNull();
  });

  it.each([
    'file://evil/node_modules/x.js',
    'file:///%2f/node_modules/x',
    `${ROOT}%ff`,
    'http://[/node_modules/',
    '',
  ])('may be no URL at all: %j', async (url) => {
    const place = at(url, -1, -1);
    expect(() => OriginalPlaces.none.get(place)).not.toThrow();
    expect((await find([place])).get(place)).toBeNull();
  });
});
