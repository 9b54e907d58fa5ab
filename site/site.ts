import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import MiniSearch from 'minisearch';
import { apiReference } from './api-reference.ts';
import { PageRenderer, type Rendered } from './markdown.ts';
import { addressOf, SECTIONS } from './navigation.ts';
import { readOpenApi } from './open-api-file.ts';
import { pageHtml } from './page.ts';

const ROOT = join(import.meta.dirname, '..');
/** Of a passage, what the list of the search shows. */
const START_CHARS = 120;

/** The site: files by their address below /docs/, and what is wrong with its links. */
export interface Site {
  files: Map<string, string | Buffer>;
  brokenLinks: string[];
}

/** Builds the whole site in memory out of the pages of the repository. */
export function buildSite(): Site {
  const sections = sectionsOf();
  const all = sections.flatMap(({ pages }) => pages);
  const renderer = new PageRenderer(new Set(all));
  const rendered = new Map(all.map((file) => [file, render(file, renderer)]));
  const titled = sections.map(({ title, pages }) => ({
    title,
    pages: pages.map((file) => ({ file, title: (rendered.get(file) as Rendered).title })),
  }));
  const files: Site['files'] = new Map();
  for (const [file, page] of rendered) {
    files.set(addressOf(file), pageHtml(file, page, titled));
    for (const picture of page.pictures)
      files.set(picture.replace(/^docs\//, ''), readFileSync(join(ROOT, picture)));
  }
  files.set('search.json', JSON.stringify(searchIndex(rendered)));
  files.set('assets/style.css', source('style.css'));
  const search = stripTypeScriptTypes(source('client/search.ts'));
  files.set(
    'assets/search.js',
    search.replace(/^import .* from 'minisearch';$/m, "import MiniSearch from './minisearch.js';"),
  );
  files.set('assets/minisearch.js', miniSearch());
  return { files, brokenLinks: brokenLinks(rendered) };
}

/** Sections with their pages; a page of docs/ that none names is in the last one. */
function sectionsOf(): { title: string; pages: string[] }[] {
  const sections = SECTIONS.map(({ title, pages }) => ({ title, pages: pages.flatMap(pagesOf) }));
  const named = new Set(sections.flatMap(({ pages }) => pages));
  sections.at(-1)?.pages.push(...pagesOf('docs/*.md').filter((file) => !named.has(file)));
  return sections;
}

const source = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

const pagesOf = (pattern: string): string[] => globSync(pattern, { cwd: ROOT }).toSorted();

function render(file: string, renderer: PageRenderer): Rendered {
  const path = join(ROOT, file);
  if (file.endsWith('.json')) return apiReference(readOpenApi(path));
  return renderer.render(file, readFileSync(path, 'utf8'));
}

/** The library as its authors built it for browsers, without the line that names a map of it. */
function miniSearch(): string {
  const path = join(ROOT, 'node_modules', 'minisearch', 'dist', 'es', 'index.js');
  return readFileSync(path, 'utf8').replace(/\n\/\/# sourceMappingURL.*/, '');
}

function searchIndex(pages: ReadonlyMap<string, Rendered>): MiniSearch {
  const index = new MiniSearch({
    fields: ['title', 'heading', 'text'],
    storeFields: ['url', 'title', 'heading', 'start'],
  });
  let id = 0;
  for (const [file, { title, passages }] of pages)
    for (const { anchor, heading, text } of passages)
      index.add({
        id: id++,
        url: `${addressOf(file)}#${anchor}`,
        title,
        heading,
        text,
        start: text.slice(0, START_CHARS),
      });
  return index;
}

function brokenLinks(pages: ReadonlyMap<string, Rendered>): string[] {
  return [...pages].flatMap(([from, { links }]) =>
    links
      .filter(({ file, anchor }) => {
        const passages = pages.get(file)?.passages ?? [];
        return anchor !== '' && !passages.some((passage) => passage.anchor === anchor);
      })
      .map(({ file, anchor }) => `${from}: ${file}#${anchor}`),
  );
}
