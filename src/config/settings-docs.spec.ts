import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSettingsDocs } from './settings-docs.js';
import { settingsSchema } from './settings.js';

const page = renderSettingsDocs();
const rowOf = (name: string): string =>
  page.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '';

describe('docs/configuration.md', () => {
  it('is current; "npm run docs" writes it', () => {
    const file = join(import.meta.dirname, '..', '..', 'docs', 'configuration.md');
    expect(readFileSync(file, 'utf8')).toBe(page);
  });

  it('has one row for every setting, each with a meaning', () => {
    for (const name of Object.keys(settingsSchema.shape)) {
      const cells = rowOf(name)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      expect([name, cells.length]).toEqual([name, 6]);
      expect(cells.slice(1, 5)).not.toContain('');
      expect(cells.join()).not.toMatch(/undefined|\[object/);
    }
  });

  it('says types, units, bounds and defaults', () => {
    expect(rowOf('DRAIN_TIMEOUT_SECONDS')).toContain('| number, seconds, at least 0 | `25` |');
    expect(rowOf('CONCURRENCY')).toContain('| whole number, 1 to 1000 | twice the processors |');
    expect(rowOf('DEFAULT_TIMEOUT_SECONDS')).toContain('| number, seconds, above 0 | `300` |');
    expect(rowOf('LOG_FORMAT')).toContain('| `auto`, `json`, `pretty` | `auto` |');
    expect(rowOf('ROLES')).toContain('| list of `worker`, `api`, `archive` | `worker,api,archive` |');
    expect(rowOf('API_TOKEN')).toContain('| text, at least 16 characters, or `API_TOKEN_FILE` | none |');
    expect(rowOf('KEY_PREFIX')).toContain('| text | empty |');
  });
});
