import { withoutSecretsInTurns } from '../without-secrets.js';

/** Contexts that are larger are not read for a search. */
export const SEARCHED_CONTEXT_BYTES = 262_144;
/** How much of the parameters is searched, in characters. */
const MOST_CHARS = 4_000;

/** The parameters of a context as JSON in lower case, without its secrets, cut to 4,000 characters; '' where it has none. */
export async function searchedParameters(document: string): Promise<string> {
  const clean = (await withoutSecretsInTurns(document)) ?? document;
  const { parameters } = (parsed(clean) ?? {}) as { parameters?: unknown };
  if (typeof parameters !== 'object' || parameters === null) return '';
  return JSON.stringify(parameters).slice(0, MOST_CHARS).toWellFormed().toLowerCase();
}

function parsed(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return null;
  }
}
