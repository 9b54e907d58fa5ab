import { describe, expect, it } from '@jest/globals';
import MiniSearch from 'minisearch';
import { globSync } from 'node:fs';
import { join, posix } from 'node:path';
import { buildSite } from '../../site/site.ts';
import { addressOf } from '../../site/navigation.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const { files, brokenLinks } = buildSite();
const pages = [...files].flatMap(([address, content]) =>
  address.endsWith('.html') ? [[address, String(content)] as const] : [],
);

it('has a page for each document', () => {
  const others = [
    'SECURITY.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'schemas/openapi.json',
  ];
  const documents = [...globSync(['docs/*.md', 'docs/decisions/*.md'], { cwd: ROOT }), ...others];
  expect(pages.map(([address]) => address).toSorted()).toEqual(documents.map(addressOf).toSorted());
});

it('links to headings that are there, and to files of the site', () => {
  expect(brokenLinks).toEqual([]);
  const missing = pages.flatMap(([address, html]) =>
    [...html.matchAll(/(?:href|src)="([^"#]+)/g)]
      .map(([, path = '']) => path)
      .filter((path) => !/^(\/|https?:)/.test(path))
      .map((path) => posix.join(posix.dirname(address), path))
      .filter((path) => !files.has(path))
      .map((path) => `${address}: ${path}`),
  );
  expect(missing).toEqual([]);
});

it('has nothing that the policy of the console refuses', () => {
  const inline =
    /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|(?:src|href)="https?:[^"]*\.(?:js|css|png|svg)"/i;
  for (const [address, html] of pages) {
    // Of code that is shown, only what is markup counts.
    expect([address, inline.exec(html)?.[0]]).toEqual([address, undefined]);
  }
});

describe('the search', () => {
  const options = { fields: ['title', 'heading', 'text'], storeFields: ['url', 'title', 'heading', 'start'] };
  const index = MiniSearch.loadJSON(String(files.get('search.json')), options);
  it.each([
    ['drain kubernetes', 'kubernetes.html#drain'],
    ['OUT_OF_MEMORY', 'failure-codes.html#out_of_memory'],
    ['idempotency key', 'http-api.html#once-whatever-happens-to-the-connection'],
    ['submitExecution', 'api.html#submitExecution'],
  ])('for %j finds %s', (text, url) => {
    const found = index.search(text, {
      boost: { title: 3, heading: 2 },
      prefix: true,
      fuzzy: 0.15,
      combineWith: 'AND',
    });
    expect(found.slice(0, 5).map((one) => one['url'] as string)).toContain(url);
  });
});
