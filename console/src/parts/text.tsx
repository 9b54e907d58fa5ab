import type { JSX } from 'preact';
import { now } from '../state/clock.js';
import { ago, fullTime } from '../text/format.js';
import { linkPieces } from '../text/links.js';
import { visiblePieces, visibleText } from '../text/visible.js';

/**
 * Text of users: an element of its own direction, in which characters that cannot be seen are shown by their code.
 * Everything that code printed or a producer sent goes through here, and is only ever text.
 */
export const UserText = ({ text, links = false }: { text: string; links?: boolean }): JSX.Element => (
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
  </bdi>
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

/** An id, in the type of code, cut in the middle of the page rather than wrapped. */
export const Id = ({ id }: { id: string }): JSX.Element => (
  <bdi class="id" title={visibleText(id)}>
    <Visible text={id} />
  </bdi>
);
