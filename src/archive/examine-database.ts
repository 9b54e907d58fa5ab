import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Identifies the Postgres server of a URL; changes nothing there.
 * @throws {Error} when it does not answer.
 */
export async function databaseVersion(connectionString: string): Promise<string> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return `PostgreSQL ${rows[0]?.server_version ?? '?'}`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether the folder of the embedded database can be written, or made where it is not there yet. */
export function canKeepArchive(folder: string): boolean {
  const nearest = existsSync(folder) ? folder : nearestAbove(folder);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestAbove(path: string): string {
  const above = dirname(path);
  return above === path || existsSync(above) ? above : nearestAbove(above);
}
