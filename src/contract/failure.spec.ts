import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_TYPES, FAILURE_CODES, failureRow } from './failure.js';
import { renderFailureDocs } from '../outcome/failure-docs.js';

describe('docs/failure-codes.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'failure-codes.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));

  it('is what the table says; "npm run docs" writes it', () => {
    expect(page).toBe(renderFailureDocs());
  });

  it('has one row for every failure code, in the same order', () => {
    expect(rows.map((row) => /`(\w+)`/.exec(row)?.[1])).toEqual([...FAILURE_CODES]);
  });

  it('says of each what it means, whose fault it is, whether it is tried again and what to do', () => {
    for (const row of rows) {
      const cells = row.split('|').map((cell) => cell.trim());
      expect(cells).toHaveLength(7);
      expect(cells.slice(1, 6)).not.toContain('');
      expect(cells[4]).toMatch(/^(yes|no)$/);
    }
  });
});

it('every failure code has an error type of its own', () => {
  expect(new Set(Object.values(ERROR_TYPES)).size).toBe(FAILURE_CODES.length);
  for (const code of FAILURE_CODES) expect(ERROR_TYPES[code]).toBe(failureRow(code).errorType);
});
