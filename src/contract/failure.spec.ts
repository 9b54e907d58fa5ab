import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_TYPES, FAILURE_CODES, failureRow } from './failure.js';
import { renderFailureDocs } from '../outcome/failure-docs.js';

describe('docs/failure-codes.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'failure-codes.md'), 'utf8');
  const sections = page.split('\n## ').slice(1, -1);
  const rows = page.split('\n').filter((line) => line.startsWith('| [`'));

  it('is what the table says, but for commands; "npm run docs" writes it', () => {
    expect(page).toBe(renderFailureDocs(page));
  });

  it('has one row and one section for every failure code, in the same order', () => {
    expect(rows.map((row) => /`(\w+)`/.exec(row)?.[1])).toEqual([...FAILURE_CODES]);
    expect(sections.map((section) => section.split('\n')[0])).toEqual([...FAILURE_CODES]);
  });

  it('says of each what it means, whose fault it is, whether it is tried again and what to do', () => {
    for (const row of rows) {
      const cells = row.split('|').map((cell) => cell.trim());
      expect(cells).toHaveLength(7);
      expect(cells.slice(1, 6)).not.toContain('');
      expect(cells[5]).toMatch(/^(yes|no)$/);
    }
    for (const section of sections) expect(section).toMatch(/^\w+\n\n\S.+\n\nWhat to do: \S/);
  });

  it('keeps the commands of a code, and nothing of a code that is not there any more', () => {
    const shown = '<!-- shown by -->\n\n```sh\nbifrost doctor\n```';
    const before = page
      .replace('\n## CANCELLED\n', `\n## GONE\n\n${shown}\n\n## CANCELLED\n`)
      .replace('\n## SKIPPED\n', `\n## SKIPPED\n\nFormer words.\n\n${shown}\n`);
    const after = renderFailureDocs(before);
    expect(after.split('bifrost doctor')).toHaveLength(2);
    expect(after.split('\n## SKIPPED\n')[1]?.split('\n## ')[0]).toContain(`\n\n${shown}\n`);
    expect(after).not.toMatch(/GONE|Former words/);
  });
});

it('every failure code has an error type of its own', () => {
  expect(new Set(Object.values(ERROR_TYPES)).size).toBe(FAILURE_CODES.length);
  for (const code of FAILURE_CODES) expect(ERROR_TYPES[code]).toBe(failureRow(code).errorType);
});
