import { isBuiltin } from 'node:module';

/** The runner may use the inspector to find where code is blocked; code itself must not read the runner with it. */
const INSPECTOR = /^(node:)?inspector(\/|$)/;
const SQLITE = /^node:sqlite$/;

/**
 * Throws where code asks for a module of Node that it does not get, with the error that Node's permission model
 * gives.
 */
export function checkBuiltin(specifier: string): void {
  if (INSPECTOR.test(specifier))
    throw refusal(`Access to this API has been restricted: ${specifier}`, 'Inspector');
  // Where Node has it switched off.
  if (SQLITE.test(specifier) && !isBuiltin(specifier))
    throw refusal(
      'node:sqlite is refused: it opens files past the isolation. A package that keeps the database in memory, such as sql.js, works in its place; better-sqlite3 does with NATIVE_ADDONS=on',
      'FileSystemRead',
    );
}

const refusal = (message: string, permission: string): Error =>
  Object.assign(new Error(message), { code: 'ERR_ACCESS_DENIED', permission });
