import { signingKeys } from '../contract/jobs/signature.js';
import { secretKeyTexts } from './secret-keys.js';
import { type Settings, settingsSchema } from './settings.js';

/**
 * The worker's own credentials, none of which an execution may show: what the rows of the settings table
 * that are marked `credential` hold, each of several keys by itself. Of a URL it is the password, as it stands there and decoded.
 */
export function credentialsOf(settings: Settings): string[] {
  const values: Readonly<Record<string, unknown>> = settings;
  return Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
    const value = values[name];
    if (schema.meta()?.['credential'] !== true || typeof value !== 'string') return [];
    const url = /^[\w+.-]+:\/\/(?:[^/?#]*@)?/.exec(value)?.[0];
    if (name === 'JOB_SIGNING_KEY') return signingKeys(value);
    if (name === 'SECRETS_KEY') return secretKeyTexts(value);
    return url === undefined ? [value] : passwordOf(url);
  });
}

/** Not by the URL class: a list of several hosts is no URL to it. */
function passwordOf(url: string): string[] {
  const password = /^[^:]+:\/\/[^:@/]*:(.*)@$/.exec(url)?.[1];
  if (password === undefined) return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}
