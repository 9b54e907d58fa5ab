import { CommandError, EXIT } from '../output/exit.js';

const DEFAULT_URL = 'http://127.0.0.1:3000';

/** Where the API is and what opens it. */
export interface ApiAccess {
  /** Without a slash at the end. */
  url: string;
  token: string | undefined;
}

/**
 * Reads BIFROST_URL and BIFROST_TOKEN; empty means not set.
 * @throws {CommandError} naming the variable that cannot be used. The token itself is never shown.
 */
export function apiAccess(env: Readonly<Record<string, string | undefined>>): ApiAccess {
  const token = env['BIFROST_TOKEN'] || undefined;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new CommandError(
      EXIT.usage,
      'BIFROST_TOKEN: must have no blanks, line breaks or special characters',
    );
  }
  return { url: apiUrl(env['BIFROST_URL'] || DEFAULT_URL), token };
}

function apiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(EXIT.usage, `BIFROST_URL: must be an http or https URL such as ${DEFAULT_URL}`);
  }
  if (url.username || url.password) {
    throw new CommandError(
      EXIT.usage,
      'BIFROST_URL: must hold no user or password; BIFROST_TOKEN opens the API',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
