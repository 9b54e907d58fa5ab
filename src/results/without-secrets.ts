import { REDACTED, Redactor } from '../lib/redactor.js';

/**
 * A context document whose secrets are gone, from `secrets` and from wherever else they stand in it; null
 * where there are none, or no document.
 */
export function withoutSecrets(document: string): string | null {
  let context: unknown;
  try {
    context = JSON.parse(document);
  } catch {
    return null;
  }
  const { secrets } = (context ?? {}) as { secrets?: unknown };
  if (typeof secrets !== 'object' || secrets === null) return null;
  const values = Object.values(secrets).filter((value) => value !== REDACTED);
  if (values.length === 0) return null;
  const redactor = new Redactor(values.filter((value) => typeof value === 'string'));
  // The names too may hold one.
  const names = Object.keys(secrets).map((name) => [redactor.text(name), REDACTED]);
  return JSON.stringify({ ...redactor.value(context as object), secrets: Object.fromEntries(names) });
}
