import { describe, expect, it } from '@jest/globals';
import type { Violation } from './support/architecture/import-rule.js';
import { checkDocuments, checkLanguage } from './support/architecture/language.js';

const shown = (found: readonly Violation[]): string[] =>
  found.map(({ file, line, message }) => `${file}:${line} ${message}`);

describe('the language rule', () => {
  it.each([
    ['// Nobody waits.', 'comment has "Nobody"'],
    ['/**\n * A call of whoever asks.\n */', 'comment has "whoever"'],
    ['f(/* so many bytes */ 1);', 'comment has "so many"'],
    ['const a = {\n  // shall be empty\n};', 'comment has "shall"'],
    ["f('is told to end');", 'text has "told"'],
    ['f(`${a} stands behind ${b}`);', 'text has "behind"'],
    ['f(`a runner is had by ${b}`);', 'text has "is had"'],
    ['class A { letGo(): void {} }', 'name has "letGo"'],
    ['const carryOut = () => 1;', 'name has "carryOut"'],
    ['function tellUsage() {}', 'name has "tell"'],
    ['interface Judged { a: 1 }', 'name has "Judged"'],
    ['type Deed = 1;', 'name has "Deed"'],
  ])('finds a word in %j', (source, message) => {
    const found = shown(checkLanguage(new Map([['lib/a.ts', source]])));
    expect(found).toEqual([expect.stringContaining(message)]);
    expect(found).toEqual([expect.stringContaining(': write ')]);
  });

  it('reports file and line of each word', () => {
    const source = 'const a = 1;\n/**\n * Somebody\n * is told.\n */\nexport const b = 1; // who\n';
    expect(shown(checkLanguage(new Map([['lib/a.ts', source]])))).toEqual([
      expect.stringMatching(/^lib\/a\.ts:3 comment has "Somebody"/),
      expect.stringMatching(/^lib\/a\.ts:4 comment has "told"/),
      expect.stringMatching(/^lib\/a\.ts:6 comment has "who"/),
    ]);
  });

  it.each([
    '// A dead server never acknowledges. Leaves no process behind.',
    '/behind a proxy|told/.test(a);',
    "import a from './told.js';",
    'a.tell(1);',
    'const teller = hearing(whole);',
  ])('finds nothing in %j', (source) => {
    expect(checkLanguage(new Map([['lib/a.ts', source]]))).toEqual([]);
  });

  it('reports the line of a document', () => {
    expect(shown(checkDocuments(new Map([['docs/a.md', '# A\n\nIt is told.\n']])))).toEqual([
      expect.stringMatching(/^docs\/a\.md:3 has "told"/),
    ]);
  });
});
