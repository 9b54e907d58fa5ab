import { expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILURES } from '../../src/contract/failure.js';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8');

/** Lines of the levels warn and error that the sources log, with `…` for what differs; of those that begin with it, what follows. */
function loggedLines(): string[] {
  const found = new Set<string>();
  const call = /\.(?:warn|error|fatal)\(\s*(?:\{\s*msg:\s*)?(?:'([^']+)'|`([^`]+)`)|\brefusal: '([^']+)'/g;
  for (const file of globSync('src/**/*.ts', {
    cwd: ROOT,
    exclude: ['**/*.spec.ts', 'src/runner/**', 'src/conformance/**'],
  }))
    for (const [, plain, template, refusal] of readFileSync(join(ROOT, file), 'utf8').matchAll(call))
      found.add(plain ?? refusal ?? (template as string).replaceAll(/\$\{[^}]*\}/g, '…'));
  return [...found];
}

/** Enough of a line to find it by. */
const LOOKED_FOR = 24;

/** The first part of a line that says something and never differs. */
const fixedPart = (line: string): string =>
  (line.split('…').find((part) => part.trim().length > 4) ?? '').trim();

it('has every line of the log that reports trouble', () => {
  const lines = loggedLines().filter((line) => fixedPart(line) !== '');
  expect(lines.length).toBeGreaterThan(45);
  expect(lines.filter((line) => !page.includes(fixedPart(line).slice(0, LOOKED_FOR)))).toEqual([]);
});

it('has no line that is not logged', () => {
  const logged = loggedLines();
  const [, table = ''] = page.split('## Lines of the log');
  const named = [...table.matchAll(/^\| (.*?) +\|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, line]) => line as string))
    .filter((line) => line !== 'self-test of the isolation');
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((line) => !logged.some((one) => one.includes(fixedPart(line))))).toEqual([]);
});

it('leads to a page that has every failure code as a heading', () => {
  expect(page).toContain('(failure-codes.md)');
  const codes = readFileSync(join(ROOT, 'docs', 'failure-codes.md'), 'utf8');
  const headings = [...codes.matchAll(/^## ([A-Z_]+)$/gm)].map(([, code]) => code);
  expect(new Set(headings)).toEqual(new Set(Object.keys(FAILURES)));
});
