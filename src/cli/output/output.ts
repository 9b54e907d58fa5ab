import { stripVTControlCharacters, styleText } from 'node:util';

/** Where a command writes: results to `stdout`, everything said about them to `stderr`. */
export interface Output {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim';

/** Colours a text for a stream that is a terminal and wants colours (NO_COLOR and FORCE_COLOR decide first). */
export const paint = (colour: Colour, text: string, stream: NodeJS.WritableStream): string =>
  styleText(colour, text, { stream });

/** What turns the direction of all that follows on a line, columns of ours among it (Unicode Standard Annex 9). */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/** One line of harmless text: a name from outside must neither move the cursor nor turn what stands beside it. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(DIRECTIONS, '');

/** The text with a line break at its end; nothing stays nothing. */
export const asLines = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** A document for people and for programs alike. */
export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
