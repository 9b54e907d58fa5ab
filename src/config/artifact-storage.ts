import type { Settings } from './settings.js';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const MB = 1_048_576;

/** Where artifacts are kept, within which bounds, and for how long. */
export const artifactsOf = (settings: Settings) => ({
  dir: settings.ARTIFACTS_DIR,
  /** null: they are kept in the folder. */
  s3:
    settings.ARTIFACTS_S3_URL === undefined
      ? null
      : {
          url: settings.ARTIFACTS_S3_URL,
          region: settings.ARTIFACTS_S3_REGION,
          accessKeyId: settings.ARTIFACTS_S3_ACCESS_KEY_ID ?? '',
          secretAccessKey: settings.ARTIFACTS_S3_SECRET_ACCESS_KEY ?? '',
        },
  maxBytes: settings.ARTIFACT_MAX_MB * MB,
  maxCount: settings.ARTIFACT_MAX_COUNT,
  linkMs: settings.ARTIFACT_LINK_SECONDS * SECOND_MS,
  /** As long as the history, or the result where there is none; null: for ever. */
  retentionMs: retentionMs(settings),
});

function retentionMs(settings: Settings): number | null {
  const { ARCHIVE_RETENTION_DAYS: days, ARCHIVE_FEED_LENGTH: feed, RESULT_TTL_SECONDS: ttl } = settings;
  if (feed > 0 && days === 0) return null;
  return Math.max(feed > 0 ? days * DAY_MS : 0, ttl * SECOND_MS);
}
