import { describe, expect, it } from '@jest/globals';
import { ansiPieces } from '../../console/src/text/ansi.js';
import { ago, dayTime } from '../../console/src/text/format.js';
import { linkPieces, safeHref } from '../../console/src/text/links.js';
import { markdownPieces } from '../../console/src/text/markdown.js';
import { FAILURES } from '../../src/contract/failure.js';
import { visiblePieces, visibleText } from '../../console/src/text/visible.js';

const ESC = '\u001b';

it('a day has its year where that is not this one', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  expect(dayTime('2026-12-24T12:00:00Z', now)).not.toContain('2026');
  expect(dayTime('2032-02-29T12:00:00Z', now)).toContain('2032');
});

describe('texts of failure codes', () => {
  it('are split into code, links to the served documentation, and what is between', () => {
    expect(markdownPieces('Set `A_B` ([tenants.md](tenants.md#quotas)), or [read](network.md).')).toEqual([
      { text: 'Set ' },
      { text: 'A_B', isCode: true },
      { text: ' (' },
      { text: 'tenants', href: '/docs/tenants.html#quotas' },
      { text: '), or ' },
      { text: 'read', href: '/docs/network.html' },
      { text: '.' },
    ]);
  });

  it('are nothing that stays unread', () => {
    for (const { meaning, remedy } of Object.values(FAILURES))
      for (const text of [meaning, remedy])
        expect(
          markdownPieces(text)
            .filter(({ isCode }) => !isCode)
            .map((piece) => piece.text)
            .join(''),
        ).not.toMatch(/`|\]\(/);
  });
});

describe('terminal colours', () => {
  it('are split into pieces of one look', () => {
    expect(ansiPieces(`a${ESC}[1;31mb${ESC}[22mc${ESC}[0md`)).toEqual([
      { text: 'a', style: {} },
      { text: 'b', style: { bold: true, color: 1 } },
      { text: 'c', style: { color: 1 } },
      { text: 'd', style: {} },
    ]);
  });

  it.each([
    ['38;5;9', { color: 9 }],
    ['38;5;196', { color: 'rgb(255, 0, 0)' }],
    ['38;5;255', { color: 'rgb(238, 238, 238)' }],
    ['48;2;1;2;3', { background: 'rgb(1, 2, 3)' }],
    ['97;104', { color: 15, background: 12 }],
    ['38;2;999;0;0', {}],
    ['38;5', {}],
    ['38;2;1;2', {}],
    ['3;4;2', { italic: true, underline: true, dim: true }],
  ])('%s is %j', (codes, style) => {
    expect(ansiPieces(`${ESC}[${codes}mx`)).toEqual([{ text: 'x', style }]);
  });

  it.each([
    [`${ESC}[2J${ESC}[10;5Hx`, 'x'],
    [`${ESC}]0;title\u0007x`, 'x'],
    [`${ESC}]8;;javascript:alert(1)${ESC}\\link${ESC}]8;;${ESC}\\`, 'link'],
    [`${ESC}cx${ESC}7`, 'x'],
    [`x${ESC}[`, `x${ESC}[`],
  ])('sequences that are none are left out of %j', (text, shown) => {
    expect(
      ansiPieces(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(shown);
  });
});

describe('characters that cannot be seen', () => {
  it.each([
    ['a\u202eb', 'U+202E'],
    ['a\u2066b', 'U+2066'],
    ['a\u200bb', 'U+200B'],
    ['a\u0000b', 'U+0000'],
    ['a\u2028b', 'U+2028'],
    ['a\u{e0041}b', 'U+E0041'],
    ['a\ufeffb', 'U+FEFF'],
  ])('of %j are shown by their code', (text, code) => {
    expect(visiblePieces(text)).toEqual([
      { text: 'a', isCode: false },
      { text: code, isCode: true },
      { text: 'b', isCode: false },
    ]);
    expect(visibleText(text)).toBe(`a⟨${code}⟩b`);
  });

  it.each(['👩\u200d', '\u200d💻', 'a\u200db', '👩\u200d\u200d💻', 'a\ufe0f\u200d🌈'])(
    'are joiners that join no pictures, as in %j',
    (text) => expect(visibleText(text)).toContain('⟨U+200D⟩'),
  );

  it.each(['', 'plain\ttext', 'żółć, 日本語, עברית, 👩\u200d💻, 👩🏽\u200d🚀, 🏳\ufe0f\u200d🌈'])(
    'are none in %j',
    (text) => {
      expect(visibleText(text)).toBe(text);
    },
  );
});

describe('links', () => {
  it('are http and https alone, without the end of a sentence', () => {
    expect(linkPieces('see https://a.example/b?c=1#d, or (http://e.example).')).toEqual([
      { text: 'see ' },
      { text: 'https://a.example/b?c=1#d', href: 'https://a.example/b?c=1#d' },
      { text: ', or (' },
      { text: 'http://e.example', href: 'http://e.example/' },
      { text: ').' },
    ]);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'xhttps://a.example',
    'https://',
    '//a.example',
  ])('%j is none', (text) => {
    expect(linkPieces(text)).toEqual([{ text }]);
    expect(safeHref(text.replace(/^x/, ''))?.startsWith('https://') ?? true).toBe(true);
  });
});

describe('times', () => {
  it.each([
    [1_000, 'now'],
    [59_000, '59 s ago'],
    [61_000, '1 min ago'],
    [-3_600_000, 'in 1 h'],
    [200_000_000, '2 d ago'],
  ])('%d ms are %s', (ms, text) => {
    expect(ago(ms)).toBe(text);
  });
});
