import { expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { compatibilityPage } from './like-node/compatibility-page.js';

const PAGE = new URL('../docs/compatibility.md', import.meta.url);

it('docs/compatibility.md is what the programs say; npm run docs:compat writes it', async () => {
  const options = await resolveConfig(PAGE.pathname);
  const page = await format(compatibilityPage(), { ...options, parser: 'markdown' });
  if (process.env['WRITE_DOCS'] === 'yes') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
