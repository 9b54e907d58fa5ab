/**
 * Codes with which a Redis that answers refuses to write: it is a replica itself, has too few replicas
 * (`min-replicas-to-write`), no memory left (`maxmemory`), or a disk that it cannot save to. All of them pass without us;
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors has how errors begin.
 */
const REFUSAL = /\b(READONLY|NOREPLICAS|OOM|MISCONF) .*/;
/** Where a script was refused, Redis says in which. */
const IN_SCRIPT = /\.? script: .*$/;

/** Why Redis refuses to write, in its own words; null: the error says something else. */
export function writeRefusalOf({ message }: Error): string | null {
  const [words] = REFUSAL.exec(message) ?? [];
  return words?.replace(IN_SCRIPT, '').replace(/\.$/, '') ?? null;
}

/** Codes with which Redis turns a user away: its password was changed, or its ACL does not allow the command or the key. */
const TURNED_AWAY = /\bNOPERM\b|^(NOAUTH|WRONGPASS) |The user executing the script can't /;

/** Whether Redis turns this user away; an operator has to change that, and no execution is at fault. */
export const isTurnedAway = (error: unknown): boolean =>
  error instanceof Error && TURNED_AWAY.test(error.message);

/**
 * Whether an error only says that Redis, or its server of the moment, cannot serve for now: what ioredis and the socket under
 * it throw when the server is gone, loading, or does not write. The same request may succeed later.
 */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (
    error.name === 'MaxRetriesPerRequestError' ||
    (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/.test(code)) ||
    AWAY.test(error.message) ||
    isTurnedAway(error) ||
    writeRefusalOf(error) !== null
  );
}

/** Whether Redis is not there, and not only unwilling. */
export const isOutage = (error: unknown): boolean =>
  isRedisAway(error) && !isTurnedAway(error) && writeRefusalOf(error as Error) === null;

const AWAY =
  /^(Redis cannot be reached|Stream isn't writeable|Connection is closed|Command timed out|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)/;
