import { posix } from 'node:path';
import { escape } from './html.ts';
import type { Rendered } from './markdown.ts';
import { addressOf } from './navigation.ts';

/** One section of the list of pages. */
export interface Section {
  title: string;
  pages: { file: string; title: string }[];
}

/** The whole HTML of a page. Nothing of it is inline: scripts and styles are files, as the policy of the console wants. */
export function pageHtml(file: string, rendered: Rendered, sections: readonly Section[]): string {
  const address = addressOf(file);
  const root = posix.relative(posix.dirname(address), '.') || '.';
  const link = (to: string, text: string): string => {
    const href = posix.relative(posix.dirname(address), addressOf(to));
    return `<li><a href="${href}"${to === file ? ' aria-current="page"' : ''}>${escape(text)}</a></li>`;
  };
  const navigation = sections
    .map(
      ({ title, pages }) =>
        `<h2>${escape(title)}</h2>\n<ul>${pages.map((page) => link(page.file, page.title)).join('\n')}</ul>`,
    )
    .join('\n');
  const contents = rendered.headings
    .filter(({ level }) => level === 2 || (level === 3 && rendered.headings.length < 60))
    .map(
      ({ level, text, anchor }) => `<li class="level-${level}"><a href="#${anchor}">${escape(text)}</a></li>`,
    );
  const all = sections.flatMap(({ pages }) => pages);
  const at = all.findIndex((page) => page.file === file);
  const neighbour = (index: number, rel: string): string => {
    const to = all[index];
    if (!to) return '<span></span>';
    const href = posix.relative(posix.dirname(address), addressOf(to.file));
    return `<a rel="${rel}" href="${href}">${escape(to.title)}</a>`;
  };
  return `<!doctype html>
<html lang="en" data-root="${root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(rendered.title)} · bifrost-worker</title>
<link rel="stylesheet" href="${root}/assets/style.css">
<script type="module" src="${root}/assets/search.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<a class="name" href="${root}/index.html">bifrost-worker</a>
<search>
<label for="search">Search</label>
<input id="search" type="search" placeholder="Search  ( / )" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="found">
<ul id="found" role="listbox" aria-label="Found" hidden></ul>
</search>
<a href="/">Console</a>
</header>
<div class="columns">
<nav aria-label="Pages"><details open><summary>All pages</summary>
${navigation}
</details></nav>
<main id="content" tabindex="-1">
${tables(rendered.html)}
<footer>${neighbour(at - 1, 'prev')}${neighbour(at + 1, 'next')}</footer>
</main>
${contents.length > 1 ? `<aside aria-label="On this page"><h2>On this page</h2><ul>${contents.join('\n')}</ul></aside>` : ''}
</div>
</body>
</html>
`;
}

/** Wide tables move on their own, not with the page; a keyboard can move them too. */
const tables = (html: string): string =>
  html
    .replaceAll('<table>', '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>')
    .replaceAll('<pre>', '<pre tabindex="0">');
