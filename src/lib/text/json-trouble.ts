/** Of what JSON.parse says all but what quotes the text itself. */
const WITHOUT_TEXT = /^(?:Unexpected token '(?<token>.)'|[A-Z][^"]*?(?= in JSON|$)(?:.* at position \d+)?)/su;

/** What other writers of JSON write, and JSON does not know, by the character at which it shows. */
const KNOWN = new Map([
  ['\uFEFF', 'it begins with a byte order mark'],
  ['N', 'NaN is no JSON'],
  ['I', 'Infinity is no JSON'],
]);

/**
 * Why a text is no JSON, from what JSON.parse has thrown: without any of the text but one character, since it may hold secrets.
 * V8 says where it failed of some errors only.
 */
export function jsonTrouble(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const { 0: said, groups: { token } = {} } = WITHOUT_TEXT.exec(message) ?? { 0: '' };
  if (token === undefined) return said === '' ? 'it is another text' : lowerFirst(said);
  const why = KNOWN.get(token);
  return `unexpected ${JSON.stringify(token)}${why === undefined ? '' : ` (${why})`}`;
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
