/** Points of the chart: times in seconds, and for each how many succeeded and how many did not, a second. */
export interface RatePoints {
  seconds: number[];
  good: number[];
  bad: number[];
}

const BUCKET_SECONDS = 5;
const BUCKETS = 120;
/** What the chart shows, in seconds. */
export const SHOWN_SECONDS = BUCKET_SECONDS * BUCKETS;

/** Counts what ends, by time: the last ten minutes. Times are the workers'. */
export class Rates {
  private readonly buckets = new Map<number, { good: number; bad: number }>();

  add(atMs: number, succeeded: boolean): void {
    const bucket = Math.floor(atMs / 1_000 / BUCKET_SECONDS);
    const counts = this.buckets.get(bucket) ?? { good: 0, bad: 0 };
    if (succeeded) counts.good++;
    else counts.bad++;
    this.buckets.set(bucket, counts);
  }

  /** A second, in each bucket until now; the one that is not over is left out. */
  points(nowMs: number): RatePoints {
    const last = Math.floor(nowMs / 1_000 / BUCKET_SECONDS) - 1;
    for (const bucket of this.buckets.keys()) if (bucket < last - BUCKETS) this.buckets.delete(bucket);
    const points: RatePoints = { seconds: [], good: [], bad: [] };
    for (let bucket = last - BUCKETS + 1; bucket <= last; bucket++) {
      const { good, bad } = this.buckets.get(bucket) ?? { good: 0, bad: 0 };
      points.seconds.push(bucket * BUCKET_SECONDS);
      points.good.push(good / BUCKET_SECONDS);
      points.bad.push(bad / BUCKET_SECONDS);
    }
    return points;
  }
}
