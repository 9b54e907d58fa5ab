import { alternate, type Bench, type Entry, Series } from '../harness/session.ts';
import { quantile } from '../harness/statistics.ts';
import * as names from './names.ts';

const PERCENTILES = [50, 95, 99];

/** Milliseconds from adding a no-op to its result, at a rate that leaves every contestant idle most of the time. */
export async function measureLatency(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { plan, report } = bench;
  bench.say(`latency: noop at ${plan.perSecond} a second`);
  const series = PERCENTILES.map(() => new Series());
  await alternate(entries, plan.fewRounds, async ({ name, producer }) => {
    const times = await producer.latencies('noop', plan.latencyJobs, plan.perSecond);
    PERCENTILES.forEach((percentile, index) => series[index]?.push(name, quantile(times, percentile / 100)));
  });
  PERCENTILES.forEach((percentile, index) => series[index]?.addTo(report, names.latency(percentile), 'ms'));
}
