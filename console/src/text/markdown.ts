/** A piece of a text of ours: plain, code, or a link to a page of the documentation. */
export interface MarkdownPiece {
  text: string;
  isCode?: true;
  /** Of the page that the worker serves. */
  href?: string;
}

/** `code`, or a link to a page beside the text's own. */
const MARKED = /`([^`]+)`|\[([^\]]+)\]\(([\w-]+)\.md(#[\w-]*)?\)/g;

/** The Markdown of rows that documents are written from: one line, with code and links alone. Pure. */
export function markdownPieces(text: string): MarkdownPiece[] {
  const pieces: MarkdownPiece[] = [];
  let from = 0;
  for (const found of text.matchAll(MARKED)) {
    const [whole, code, label = '', page, anchor = ''] = found;
    if (found.index > from) pieces.push({ text: text.slice(from, found.index) });
    if (code === undefined)
      pieces.push({ text: label.replace(/\.md$/, ''), href: `/docs/${page}.html${anchor}` });
    else pieces.push({ text: code, isCode: true });
    from = found.index + whole.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}
