import { CommandError, EXIT } from '../output/exit.js';
import { type Profile, ProfileStore } from '../profiles/profile-store.js';

const DEFAULT_URL = 'http://127.0.0.1:3000';

/** Where the API is and what opens it. */
export interface ApiAccess {
  /** Without a slash at the end. */
  url: string;
  token: string | undefined;
}

/**
 * Where the environment or a profile says that it is. A profile that is named counts; else BIFROST_URL and BIFROST_TOKEN
 * do, each where it is set, and then the current profile. The token of a profile goes to the address of that profile
 * and to no other.
 * @throws {CommandError} naming the variable that cannot be used. The token itself is never shown.
 */
export function apiAccess(env: Readonly<Record<string, string | undefined>>): ApiAccess {
  const profile = profileOf(env);
  const isNamed = Boolean(env['BIFROST_PROFILE']);
  const ownUrl = isNamed ? undefined : env['BIFROST_URL'] || undefined;
  const ownToken = isNamed ? undefined : env['BIFROST_TOKEN'] || undefined;
  const url = apiUrl(
    ownUrl ?? profile?.url ?? DEFAULT_URL,
    ownUrl || !profile ? 'BIFROST_URL' : 'the profile',
  );
  const kept = profile?.url === url ? (profile.token ?? undefined) : undefined;
  const token = ownToken ?? kept;
  return { url, token: token === undefined ? undefined : checkToken(token, 'BIFROST_TOKEN') };
}

function profileOf(env: Readonly<Record<string, string | undefined>>): Profile | null {
  const store = new ProfileStore(env);
  const { BIFROST_PROFILE: named } = env;
  if (named) return store.find(named);
  // A file that cannot be used does not matter where it is not needed.
  return env['BIFROST_URL'] && env['BIFROST_TOKEN'] ? null : store.current();
}

/**
 * A token as a header can have it.
 * @param name what the message calls it
 */
export function checkToken(token: string, name: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandError(
    EXIT.usage,
    `${name}: must ${token === '' ? 'not be empty' : 'have no blanks, line breaks or special characters'}`,
  );
}

/**
 * An address without what comes after its path.
 * @param name what the message calls it
 */
export function apiUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(EXIT.usage, `${name}: must be an http or https URL such as ${DEFAULT_URL}`);
  }
  if (url.username || url.password) {
    throw new CommandError(EXIT.usage, `${name}: must hold no user or password; BIFROST_TOKEN opens the API`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
