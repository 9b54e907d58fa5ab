const STRING = '"(?:[^"\\\\]|\\\\.)*"?';
const STRING_OR_COMMENT = new RegExp(String.raw`${STRING}|//[^\n\r]*|/\*[^]*?(?:\*/|$)`, 'g');
const STRING_OR_TRAILING_COMMA = new RegExp(String.raw`${STRING}|,(?=\s*[\]}])`, 'g');

/**
 * JSON with comments and trailing commas, as editors and TypeScript take it; a byte order mark is left out.
 * @throws {SyntaxError} when it is none
 */
export const fromJsonc = (text: string): unknown =>
  JSON.parse(
    text
      .replace(/^\ufeff/, '')
      .replace(STRING_OR_COMMENT, stringsOnly)
      .replace(STRING_OR_TRAILING_COMMA, stringsOnly),
  );

const stringsOnly = (token: string): string => (token[0] === '"' ? token : '');
