import type { Settings } from './settings.js';

const DAY_MS = 86_400_000;

/** What the history needs of the settings. */
export const archiveOf = (settings: Settings) => ({
  workerId: settings.WORKER_ID,
  /** This process writes the history; others read it at most. */
  isWriter: settings.ROLES.includes('archive'),
  databaseUrl: settings.DATABASE_URL,
  dir: settings.ARCHIVE_DIR,
  feedLength: settings.ARCHIVE_FEED_LENGTH,
  /** null: for ever */
  retentionMs: settings.ARCHIVE_RETENTION_DAYS === 0 ? null : settings.ARCHIVE_RETENTION_DAYS * DAY_MS,
  /** What is written is found by its parameters, too. */
  searchesParameters: settings.SEARCH_PARAMETERS,
});
