import type { Migration, MigrationProvider } from 'kysely/migration';
import * as history from './0001-history.js';
import * as runs from './0002-runs.js';
import * as again from './0003-again.js';

/** Every migration, by the name under which the database remembers it; names are applied in their order. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-history': history,
  '0002-runs': runs,
  '0003-again': again,
};

/** Where Kysely's migrator finds them: in the program, so that a build needs no other files. */
export const migrations: MigrationProvider = {
  getMigrations: () => Promise.resolve({ ...MIGRATIONS }),
};
