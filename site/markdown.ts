import { posix } from 'node:path';
import MarkdownIt from 'markdown-it';
import { highlight } from './highlight.ts';
import { anchorOf } from './html.ts';
import { addressOf } from './navigation.ts';

/** A heading of a page. */
export interface Heading {
  level: number;
  text: string;
  anchor: string;
}

/** A page out of its Markdown. */
export interface Rendered {
  title: string;
  html: string;
  headings: Heading[];
  /** What is under each heading, as plain text: for the search. */
  passages: { anchor: string; heading: string; text: string }[];
  /** Pictures that it shows, as files of the repository. */
  pictures: string[];
  /** Pages and anchors that it links to, to be checked when all pages are known. */
  links: { file: string; anchor: string }[];
}

/** Renders pages; what is no page of the site, such as a file of the sources, becomes a name without a link. */
export class PageRenderer {
  private readonly markdown = new MarkdownIt({ html: true, linkify: false, highlight });

  private readonly pages: ReadonlySet<string>;

  constructor(pages: ReadonlySet<string>) {
    this.pages = pages;
  }

  /** @param file path in the repository, which relative links start from */
  render(file: string, source: string): Rendered {
    const tokens = this.markdown.parse(source, {});
    const found: Rendered = { title: file, html: '', headings: [], passages: [], pictures: [], links: [] };
    const used = new Map<string, number>();
    let passage = { anchor: '', heading: '', text: '' };
    tokens.forEach((token, index) => {
      const inline = tokens[index + 1];
      if (token.type === 'heading_open' && inline?.type === 'inline') {
        const heading = { level: Number(token.tag.slice(1)), text: plainText(inline), anchor: '' };
        const base = anchorOf(heading.text);
        const times = used.get(base) ?? 0;
        used.set(base, times + 1);
        heading.anchor = times === 0 ? base : `${base}-${times}`;
        token.attrSet('id', heading.anchor);
        if (heading.level === 1) found.title = heading.text;
        else found.headings.push(heading);
        passage = { anchor: heading.anchor, heading: heading.text, text: '' };
        found.passages.push(passage);
      } else if (token.type === 'inline') {
        if (tokens[index - 1]?.type !== 'heading_open') passage.text += `${plainText(token)} `;
        for (const child of token.children ?? []) this.resolve(file, child, token.children ?? [], found);
      } else if (token.type === 'fence') passage.text += `${token.content} `;
    });
    found.html = this.markdown.renderer.render(tokens, this.markdown.options, {});
    return found;
  }

  private resolve(file: string, token: Token, siblings: Token[], found: Rendered): void {
    if (token.type === 'image') {
      const path = posix.join(posix.dirname(file), String(token.attrGet('src') ?? ''));
      found.pictures.push(path);
      token.attrSet('src', relativeTo(file, path.replace(/^docs\//, '')));
      token.attrSet('loading', 'lazy');
    }
    if (token.type !== 'link_open') return;
    const href = String(token.attrGet('href') ?? '');
    if (/^[a-z]+:/.test(href)) {
      token.attrSet('rel', 'noreferrer');
      return;
    }
    const [path = '', anchor = ''] = href.split('#');
    const target = path === '' ? file : posix.join(posix.dirname(file), path);
    if (this.pages.has(target)) {
      found.links.push({ file: target, anchor });
      const address = target === file ? '' : relativeTo(file, addressOf(target));
      token.attrSet('href', address + (anchor ? `#${anchor}` : ''));
      return;
    }
    // A file that is no page: its name stays, the link goes.
    const end = siblings.indexOf(token);
    const close = siblings.find(({ type }, index) => index > end && type === 'link_close');
    for (const part of [token, close]) {
      if (!part) continue;
      part.tag = 'span';
      part.attrs =
        part === token
          ? [
              ['class', 'file'],
              ['title', target],
            ]
          : null;
    }
  }
}

type Token = ReturnType<InstanceType<typeof MarkdownIt>['parse']>[number];

const relativeTo = (file: string, address: string): string =>
  posix.relative(posix.dirname(addressOf(file)), address);

function plainText(token: Token): string {
  return (token.children ?? [])
    .map((child) =>
      child.type === 'text' || child.type === 'code_inline'
        ? child.content
        : child.type === 'softbreak'
          ? ' '
          : '',
    )
    .join('');
}
