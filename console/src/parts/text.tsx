import type { JSX } from 'preact';
import { now } from '../state/clock.js';
import { ago, fullTime, plural } from '../text/format.js';
import { linkPieces } from '../text/links.js';
import { markdownPieces } from '../text/markdown.js';
import { visiblePieces, visibleText } from '../text/visible.js';

/** Longer texts are cut where they are shown: a browser lays out a line of ten megabytes for minutes. */
const MOST_CHARS = 20_000;

/**
 * Text of users: an element of its own direction, in which characters that cannot be seen are shown by their code.
 * Everything that code printed or a producer sent goes through here, and is only ever text.
 */
export const UserText = ({ text: whole, links = false }: { text: string; links?: boolean }): JSX.Element => {
  const isCut = whole.length > MOST_CHARS;
  // Half of a pair would be shown as a sign that is not in it.
  const text = isCut ? whole.slice(0, MOST_CHARS).toWellFormed() : whole;
  return (
    <bdi>
      {links
        ? linkPieces(text).map(({ text: piece, href }) =>
            href === undefined ? (
              <Visible text={piece} />
            ) : (
              <a href={href} target="_blank" rel="noopener noreferrer nofollow">
                <Visible text={piece} />
              </a>
            ),
          )
        : Visible({ text })}
      {isCut && <span class="note"> … {plural(whole.length - MOST_CHARS, 'more character')}</span>}
    </bdi>
  );
};

/** Text of ours, as documents have it. */
export const Markdown = ({ text }: { text: string }): JSX.Element => (
  <>
    {markdownPieces(text).map((piece) => {
      if (piece.isCode) return <code>{piece.text}</code>;
      return piece.href === undefined ? piece.text : <a href={piece.href}>{piece.text}</a>;
    })}
  </>
);

export const Visible = ({ text }: { text: string }): JSX.Element => (
  <>
    {visiblePieces(text).map((piece) =>
      piece.isCode ? <span class="unseen">{piece.text}</span> : piece.text,
    )}
  </>
);

/** How long ago something was, with the whole time in its title. */
export const Ago = ({ at }: { at: string | null | undefined }): JSX.Element =>
  at == null ? (
    <span class="faint">–</span>
  ) : (
    <time dateTime={at} title={fullTime(at)}>
      {ago(now.value - Date.parse(at))}
    </time>
  );

/** When something is due: `now` from its time on, until it is read again. */
export const Due = ({ at }: { at: string | null }): JSX.Element => (
  <Ago at={at === null || Date.parse(at) > now.value ? at : new Date(now.value).toISOString()} />
);

/** An id, in the type of code, cut in the middle of the page rather than wrapped. */
export const Id = ({ id }: { id: string }): JSX.Element => (
  <bdi class="id" title={visibleText(id)}>
    <Visible text={id} />
  </bdi>
);
