import { describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'oxfmt';
import { packagesPart } from './compat/packages-part.js';
import type { SeenRun } from './compat/seen.js';
import { ALL_USES } from './compat/uses.js';
import { compatibilityPage } from './like-node/compatibility-page.js';

const PAGE = new URL('../docs/compatibility.md', import.meta.url);

it('docs/compatibility.md is what the programs say; npm run docs:compat writes it', async () => {
  const { code: page } = await format('compatibility.md', compatibilityPage());
  if (process.env['WRITE_DOCS'] === 'yes') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});

describe('the part about packages', () => {
  const network = 'none';
  const fine = { name: 'fine', version: '1.0.0', native: false, network, works: true, why: null };
  const uses = [
    fine,
    { ...fine, name: 'binary', version: '2.0.0', native: true },
    { ...fine, name: 'odd', version: null, works: false, why: 'a | b' },
  ];
  const run: SeenRun = {
    node: 'v26.0.0',
    on: '2026-11-28',
    uses,
    servers: [
      { ...fine, name: 'client', network: 'proxy' },
      { ...fine, name: 'client', network: 'open', works: false, why: 'c | d' },
      { ...fine, name: 'other', network: 'open' },
    ],
    workspaces: [
      { ...fine, name: 'nest' },
      { ...fine, name: 'orm', works: false, why: 'no table' },
    ],
    manifest: {
      names: 40,
      missing: ['a', 'b'],
      installed: 38,
      seconds: 50,
      cpuSeconds: 60,
      longestPauseSeconds: 7,
    },
  };

  it('counts what works, and names what does not with its reason', () => {
    const text = packagesPart(run);
    expect(text).toContain('2 of 3 do what is asked');
    expect(text).toContain('Work: fine 1.0.0.');
    expect(text).toContain('Work with `NATIVE_ADDONS=on`: binary 2.0.0.');
    expect(text).toContain(String.raw`| odd  | a \| b |`);
  });

  it('has what was seen of servers, workspaces and the manifest', () => {
    const text = packagesPart(run);
    expect(text).toContain(String.raw`| client | works | c \| d |`);
    expect(text).toContain('| other | was not tried | works |');
    expect(text).toContain('nest (works); orm (no table).');
    expect(text).toContain('38 installed and the others named after 50 s and 60 s of CPU');
    expect(packagesPart({ ...run, manifest: null })).not.toContain('A manifest of');
  });

  it('says of each package that is tried what was seen, and of no other', () => {
    const { uses: seen } = JSON.parse(
      readFileSync(new URL('./compat/seen.json', import.meta.url), 'utf8'),
    ) as SeenRun;
    expect(seen.map(({ name }) => name)).toEqual(ALL_USES.map(({ name }) => name));
    expect(new Set(ALL_USES.map(({ name }) => name)).size).toBe(ALL_USES.length);
    expect(ALL_USES.length).toBeGreaterThanOrEqual(100);
  });
});
