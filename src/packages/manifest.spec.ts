import { describe, expect, it } from '@jest/globals';
import { parseManifest } from './manifest.js';
import { packageSetId } from './sets/set-id.js';

const specs = (content: string, max = 100) =>
  parseManifest(content, max).entries.map(({ name, range, line }) => `${line} ${name}@${range}`);
const refusals = (content: string, max = 100) =>
  parseManifest(content, max).refused.map(({ line, reason }) => `${line} ${reason}`);

describe('a manifest of lines', () => {
  it('takes names, versions, ranges and tags of the registry', () => {
    const content =
      '# tools\r\nlodash@4.17.21\r\n\n  zod@^4\n@scope/pkg@>=1 <3 || 5.x\nleft-pad\nnext@canary\nJSONStream@1.3.5 - 2\n';
    expect(parseManifest(content, 100).refused).toEqual([]);
    expect(specs(content)).toEqual([
      '2 lodash@4.17.21',
      '4 zod@^4',
      '5 @scope/pkg@>=1 <3 || 5.x',
      '6 left-pad@latest',
      '7 next@canary',
      '8 JSONStream@1.3.5 - 2',
    ]);
  });

  it.each([
    ['left-pad@1.3.0 --registry=http://evil', /option/],
    ['--registry=http://evil', /option/],
    ['-g', /option/],
    ['lodash -g', /option/],
    ['git+ssh://x/y', /git/],
    ['git://github.com/x/y.git', /git/],
    ['git@github.com:x/y.git', /git/],
    ['x@git+https://example.com/y.git', /git/],
    ['github:x/y', /git/],
    ['user/repo', /GitHub/],
    ['user/repo#main', /GitHub/],
    ['x@user/repo', /not a version/],
    ['http://example.com/x.tgz', /address/],
    ['x@https://example.com/x.tgz', /address/],
    ['file:../x', /path/],
    ['x@file:/etc', /path/],
    ['link:../x', /path/],
    ['x@workspace:*', /workspace/],
    ['x@npm:evil@1', /alias/],
    ['npm:evil@1', /alias/],
    ['../../x', /path/],
    ['./x', /path/],
    ['/etc/passwd', /path/],
    ['~/x', /path/],
    ['~', /path/],
    ['x/../../y', /path/],
    ['@a/../b', /path/],
    [String.raw`C:\x`, /spec|path/],
    [String.raw`a\b`, /path/],
    ['x; rm -rf /', /option|shell character/],
    ['x;id', /shell character ;/],
    ['x|id', /shell character \|/],
    ['x&&id', /shell character &/],
    ['$(id)', /shell character \$/],
    ['`id`', /shell character `/],
    ['x>y', /shell character >/],
    ['x@1;id', /not a version/],
    ['x@$(id)', /not a version/],
    ['x@', /no version/],
    ['@', /not a package name/],
    ['@scope', /not a package name/],
    ['@1.0.0', /not a package name/],
    ['_x', /not a package name/],
    ['.bin', /path|not a package name/],
    ['node_modules', /not a package name/],
    ['__proto__', /not a package name/],
    ['lodash zod', /not a package name/],
    ['lodash\u2028zod', /U\+2028/],
    ['lodash\u0085zod', /U\+0085/],
    ['lodash\rzod', /U\+000D/],
    ['lodash\u0000', /U\+0000/],
    ['lo\u0434ash', /U\+0434/],
    ['\u202elodash', /U\+202E/],
    ['lodash\u200b@1', /U\+200B/],
    ['\u00a0lodash', /U\+00A0/],
    ['x'.repeat(301), /longer than 300/],
    ['x'.repeat(215), /longer than 214/],
  ])('refuses %j alone, with its line and the reason', (line, reason) => {
    const { entries, refused } = parseManifest(`good@1\n${line}\nalso-good@2`, 100);
    expect(entries.map((entry) => entry.name)).toEqual(['good', 'also-good']);
    expect(refused).toEqual([
      { spec: expect.any(String), line: 2, reason: expect.stringMatching(reason), phase: 'refused' },
    ]);
    expect(refused[0]?.spec).toMatch(/^[\x20-\x7e…]+$/);
  });

  it('refuses what is beyond the limit with one line, and keeps the rest', () => {
    expect(specs('a\nb\nc\nd', 2)).toEqual(['1 a@latest', '2 b@latest']);
    expect(refusals('a\nb\nc\nd', 2)).toEqual([expect.stringMatching(/^3 .*2 in all.*limit of 2/)]);
  });

  it('refuses a second range of the same package, and drops a plain repetition', () => {
    expect(specs('a@1\na@1\na@2')).toEqual(['1 a@1']);
    expect(refusals('a@1\na@1\na@2')).toEqual([expect.stringMatching(/^3 .*line 1, as a@1/)]);
  });
});

describe('a manifest that is a package.json', () => {
  it('takes the dependencies only, each with its line', () => {
    const text = JSON.stringify(
      { name: 'a', dependencies: { lodash: '^4', '@a/b': '' }, devDependencies: { jest: '1' } },
      null,
      2,
    );
    expect(specs(text)).toEqual(['4 lodash@^4', '5 @a/b@*']);
    expect(refusals(text)).toEqual([]);
  });

  it('refuses hostile dependencies', () => {
    const text =
      '{"dependencies":{"a":"git+ssh://x/y","b":"npm:c@1","__proto__":"1","../x":"1","d":7,"ok":"1"}}';
    expect(specs(text)).toEqual(['1 ok@1']);
    expect(refusals(text)).toHaveLength(5);
  });

  it('says what is wrong with broken JSON', () => {
    expect(refusals('{"dependencies":')).toEqual([expect.stringMatching(/^1 .*not JSON/)]);
    expect(refusals('{"dependencies":["a"]}')).toEqual([expect.stringMatching(/must be an object/)]);
  });
});

describe('the id of a package set', () => {
  const platform = { nodeMajor: 26, os: 'linux', arch: 'x64' };
  const id = (content: string, changes = {}) =>
    packageSetId(parseManifest(content, 100).entries, { ...platform, ...changes });

  it('is the same however the manifest is written', () => {
    expect(id('a@^4\nb@1.0.0')).toBe(id('{"dependencies":{"b":"1.0.0","a":"4.x"}}'));
  });

  it('differs by package, version, Node and machine', () => {
    const ids = [
      id('a@1'),
      id('a@2'),
      id('b@1'),
      id('a@1', { nodeMajor: 27 }),
      id('a@1', { os: 'darwin' }),
      id('a@1', { arch: 'arm64' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
