import { bullPrefix } from './bull-prefix.js';
import { parseNetworkAllow } from './network-allow.js';
import type { Settings } from './settings.js';

const SECOND_MS = 1000;

/** What the sending of webhooks needs of the settings. */
export const webhooksOf = (settings: Settings) => ({
  bullPrefix: bullPrefix(settings),
  /** `whsec_…`: each signs every message. None: nothing is sent. */
  secrets: listOf(settings.WEBHOOK_SECRETS),
  /** URLs by name. */
  endpoints: new Map(listOf(settings.WEBHOOK_ENDPOINTS).map(splitAtEquals)),
  /** Where receivers may be. */
  allow: parseNetworkAllow(settings.WEBHOOK_ALLOW),
  attempts: settings.WEBHOOK_ATTEMPTS,
  backoffMs: settings.WEBHOOK_BACKOFF_SECONDS * SECOND_MS,
  /** Servers of the worker, which no message reaches. */
  redisUrl: settings.REDIS_URL,
  databaseUrl: settings.DATABASE_URL,
});

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function splitAtEquals(entry: string): [name: string, value: string] {
  const at = entry.indexOf('=');
  return [entry.slice(0, at), entry.slice(at + 1)];
}
