const TOKEN =
  /"(?:[^"\\]|\\.)*"?|\/\/[^\n\r]*|\/\*[^]*?(?:\*\/|$)|,(?=(?:\s|\/\/[^\n\r]*|\/\*[^]*?\*\/)*[\]}])/g;

/**
 * JSON with comments and trailing commas, as editors and TypeScript take it; a byte order mark is left out.
 * @throws {SyntaxError} when it is none
 */
export const fromJsonc = (text: string): unknown =>
  JSON.parse(text.replace(/^\ufeff/, '').replace(TOKEN, (token) => (token[0] === '"' ? token : '')));
