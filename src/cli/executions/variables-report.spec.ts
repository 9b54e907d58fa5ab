import { expect, it } from '@jest/globals';
import type { ExecutionResult } from '../../contract/result.js';
import { variablesOf } from './variables-report.js';

const failed = (variables: Record<string, unknown>, locals?: unknown): ExecutionResult =>
  ({ variables, failure: { evidence: { locals } } }) as unknown as ExecutionResult;

it('shows what the code held, and the calls that failed', () => {
  const call = { file: '/w/inline-code.ts', line: 5, function: 'total', variables: { item: { n: 6 } } };
  expect(variablesOf(failed({ rate: 3, names: ['a'] }, [call]))).toBe(
    'variables:\n  rate = 3\n  names = ["a"]\nin total (inline-code.ts:5):\n  item = {"n":6}\n',
  );
});

it('says nothing where nothing is known, and little where there is much', () => {
  expect(variablesOf(failed({}))).toBe('');
  const many = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`v${n}`, 'x'.repeat(500)]));
  const lines = variablesOf(failed(many)).trimEnd().split('\n');
  expect(lines).toHaveLength(22);
  expect(lines.at(-1)).toBe('  and 5 more');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(220);
});

it('moves no cursor', () => {
  expect(variablesOf(failed({ 'a\u001b[2J': '\u001b[2J\n' }))).not.toContain('\u001b');
});
