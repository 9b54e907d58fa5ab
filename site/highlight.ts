import { classHighlighter, highlightCode } from '@lezer/highlight';
import { parser } from '@lezer/javascript';
import { escape } from './html.ts';

const TYPESCRIPT = parser.configure({ dialect: 'ts' });
/** Quoted text, a comment, or a variable of a shell. */
const SHELL = /("(?:[^"\\]|\\.)*"|'[^']*')|((?<=^|\s)#.*)|(\$\{?\w+\}?)/gm;

/** Source as HTML whose colours come from classes: the policy of the pages lets no style in. */
export function highlight(source: string, language: string): string {
  switch (language) {
    case 'ts':
    case 'js':
    case 'json':
      return script(source);
    case 'sh':
      return shell(source);
    default:
      return escape(source);
  }
}

function script(source: string): string {
  let html = '';
  const put = (text: string, classes: string): void => {
    html += classes ? `<span class="${classes}">${escape(text)}</span>` : escape(text);
  };
  highlightCode(source, TYPESCRIPT.parse(source), classHighlighter, put, () => (html += '\n'));
  return html;
}

function shell(source: string): string {
  let html = '';
  let from = 0;
  for (const found of source.matchAll(SHELL)) {
    const [text, quoted, comment] = found;
    const of = quoted ? 'tok-string' : comment ? 'tok-comment' : 'tok-variableName';
    html += `${escape(source.slice(from, found.index))}<span class="${of}">${escape(text)}</span>`;
    from = found.index + text.length;
  }
  return html + escape(source.slice(from));
}
