/**
 * Characters that change how the text around them is shown, or are not shown at all: controls, bidirectional
 * controls (UAX #9, "Trojan Source"), zero-width ones, line separators, and tags (U+E0000..E007F). The joiner
 * U+200D is left where it makes one picture of two (UTS #51).
 */
export const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

/** A piece of text: as it is, or the name of a character that cannot be seen. */
export interface VisiblePiece {
  text: string;
  /** A code point that stands there, such as `U+202E`. */
  isCode: boolean;
}

/** Splits a text so that what cannot be seen can be shown by its code point. Pure. */
export function visiblePieces(text: string): VisiblePiece[] {
  const pieces: VisiblePiece[] = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    if (found.index > from) pieces.push({ text: text.slice(from, found.index), isCode: false });
    pieces.push({ text: nameOf(found[0].codePointAt(0) ?? 0), isCode: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isCode: false });
  return pieces;
}

/** A code point as the standard writes it. */
export const nameOf = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

/** The text in one string, for titles and places that take no elements. */
export const visibleText = (text: string): string =>
  visiblePieces(text)
    .map((piece) => (piece.isCode ? `⟨${piece.text}⟩` : piece.text))
    .join('');
