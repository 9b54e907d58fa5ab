/**
 * What an error of the database means. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

/** The connection, or the server: the same work may succeed once it is back. */
export function isDatabaseAway(error: unknown): boolean {
  const { code, message = '' } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code !== undefined && AWAY_CODES.has(code)) return true;
  // 533: too many connections. The others of class 53 (disk or memory full) come from a server that answers.
  if (code !== undefined && /^(08|57P|533)/.test(code)) return true;
  return AWAY_WORDS.test(message);
}

/** Two transactions met, or a partition went away meanwhile: the same work again succeeds. */
export function isPassing(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^(40|55P03|57014)/.test(code);
}

/** No partition for a row: it was dropped after it had been ensured. */
export const isPartitionMissing = (error: unknown): boolean => {
  const { code, message = '' } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  return code === '23514' && message.includes('no partition of relation');
};

/**
 * The database will never take these values. Nothing else may count as such: what is refused for good
 * is missing from the history, and anything else is worth another try.
 */
export function isRefusal(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^(21|22|23|54)/.test(code);
}

const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  // The user or the database is not there, or not yet.
  '28000',
  '28P01',
  '3D000',
]);
const AWAY_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Cannot use a pool after calling end|Client was closed|driver has already been destroyed)/i;
