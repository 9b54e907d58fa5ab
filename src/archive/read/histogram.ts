/**
 * Durations counted in buckets whose bounds grow by a constant factor, after DDSketch (Masson, Rim and
 * Lee, VLDB 2019): a percentile read from them is wrong by at most RELATIVE_ERROR of itself, and two
 * histograms are merged by adding their counts.
 */
export const RELATIVE_ERROR = 0.02;

const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GROWTH = Math.log(GROWTH);
/** Below this everything is one bucket, which reads as 0. */
const SMALLEST_MS = 0.01;
const LOWEST = 0;
/** Some hundred thousand years; so that an array of all buckets is short. */
const HIGHEST = 1000;

/** Counts by bucket; a bucket without entry has none. An array: statistics add up hundreds of thousands of counts. */
export type Histogram = readonly (number | undefined)[];

/** The bucket of a duration in milliseconds. */
export function bucketOf(durationMs: number): number {
  if (!(durationMs > SMALLEST_MS)) return LOWEST;
  return Math.min(HIGHEST, Math.max(1, Math.ceil(Math.log(durationMs / SMALLEST_MS) / LOG_GROWTH)));
}

/** The duration that a bucket stands for: at most RELATIVE_ERROR away from everything in it. */
export const durationOf = (bucket: number): number =>
  bucket === LOWEST ? 0 : (SMALLEST_MS * GROWTH ** bucket * 2) / (GROWTH + 1);

/**
 * Durations below which the given parts of all are, by the nearest-rank method; null for no durations.
 * @param parts each from 0 to 1
 */
export function percentiles(histogram: Histogram, parts: readonly number[]): (number | null)[] {
  let total = 0;
  for (const count of histogram) total += count ?? 0;
  return parts.map((part) => {
    if (total === 0) return null;
    const rank = Math.max(1, Math.ceil(part * total));
    let seen = 0;
    const bucket = histogram.findIndex((count) => (seen += count ?? 0) >= rank);
    return durationOf(bucket);
  });
}
