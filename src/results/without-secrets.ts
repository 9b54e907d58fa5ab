import { atOnce, inTurns } from '../lib/in-turns.js';
import { REDACTED, Redactor, TooManySecretsError } from '../outcome/redaction/redactor.js';

/**
 * A context document whose secrets are gone, from `secrets` and from wherever else they stand in it; null
 * where there are none, or no document.
 */
export const withoutSecrets = (document: string): string | null => atOnce(removal(document));

/** As {@link withoutSecrets}, in turns of a few milliseconds however many secrets there are. */
export const withoutSecretsInTurns = (document: string): Promise<string | null> => inTurns(removal(document));

function* removal(document: string): Generator<void, string | null> {
  let context: unknown;
  try {
    context = JSON.parse(document);
  } catch {
    return null;
  }
  const { secrets: given, engine_token: token } = (context ?? {}) as {
    secrets?: unknown;
    engine_token?: unknown;
  };
  const secrets = typeof given === 'object' && given !== null ? given : {};
  const tokens = typeof token === 'string' ? { engine_token: token } : {};
  const values = [...Object.values(secrets), ...Object.values(tokens)].filter((value) => value !== REDACTED);
  if (values.length === 0) return null;
  const redactor = yield* redactorOf(values.filter((value) => typeof value === 'string'));
  // Such a context was refused. What cannot be looked through is not kept.
  if (redactor === null) return JSON.stringify({ secrets: {} });
  // The names too may hold one.
  const names = Object.keys(secrets).map((name) => [redactor.text(name), REDACTED]);
  return JSON.stringify({
    ...redactor.value(context as object),
    secrets: Object.fromEntries(names),
    ...(token === undefined ? {} : { engine_token: REDACTED }),
  });
}

/** null: there are more than can be looked for. */
function* redactorOf(secrets: readonly string[]): Generator<void, Redactor | null> {
  try {
    return yield* Redactor.build(secrets);
  } catch (error) {
    if (error instanceof TooManySecretsError) return null;
    throw error;
  }
}
