import type { Migration, MigrationProvider } from 'kysely/migration';
import * as history from './0001-history.js';
import * as runs from './0002-runs.js';
import * as again from './0003-again.js';
import * as audit from './0004-audit.js';

/** Every migration, by the name under which the database remembers it; names are applied in their order. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-history': history,
  '0002-runs': runs,
  '0003-again': again,
  '0004-audit': audit,
};

const LAST_KNOWN = Object.keys(MIGRATIONS).at(-1) as string;

/**
 * Where Kysely's migrator finds them: in the program, so that a build needs no other files. What a newer version has
 * applied counts as known and stays, since columns and tables are only ever added (docs/upgrading.md): an older version
 * works beside it, and a roll can go back.
 * @param applied names of those that the database has
 */
export function migrationsOver(applied: readonly string[]): MigrationProvider {
  const newer = applied.filter((name) => !Object.hasOwn(MIGRATIONS, name) && name > LAST_KNOWN);
  const done: Migration = { up: () => Promise.resolve() };
  return {
    getMigrations: () =>
      Promise.resolve({ ...MIGRATIONS, ...Object.fromEntries(newer.map((name) => [name, done])) }),
  };
}
