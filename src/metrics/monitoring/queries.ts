import { METRICS, type MetricKey, PROCESS_PREFIX } from '../metric-table.js';

// Queries of Prometheus over the metrics of the table, by their keys there: one that is renamed or taken away, or a
// label that it does not have, is an error of the compiler instead of an empty panel.

type Label<K extends MetricKey> = (typeof METRICS)[K]['labels'][number];
type OfType<T extends string> = {
  [K in MetricKey]: (typeof METRICS)[K]['type'] extends T ? K : never;
}[MetricKey];
/** Gauges that every process reports alike, because they are about what all share. */
type SharedKey = {
  [K in MetricKey]: (typeof METRICS)[K] extends { shared: true } ? K : never;
}[MetricKey];

interface Choice<K extends MetricKey> {
  /** Only the series whose labels match; a value that begins with `!` must not be there. */
  where?: { readonly [L in Label<K>]?: string };
  /** One result for each value of these labels; `instance` is the process that was asked. */
  by?: readonly (Label<K> | 'instance')[];
}

/** Over which time rates are taken: at least four scrapes. */
const WINDOW = '5m';

const selected = (name: string, where: Readonly<Record<string, string | undefined>> = {}): string => {
  const matchers = Object.entries(where).map(([label, value = '']) =>
    value.startsWith('!') ? `${label}!="${value.slice(1)}"` : `${label}="${value}"`,
  );
  return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
};

const grouped = (operator: string, by: readonly string[] = []): string =>
  by.length === 0 ? operator : `${operator} by (${by.join(', ')}) `;

/** The metric as it is, one series for each process. */
export const metric = <K extends MetricKey>(key: K, where?: Choice<K>['where']): string =>
  selected(METRICS[key].name, where);

/** How often something happens in a second, over all processes. */
export const perSecond = <K extends OfType<'counter'>>(key: K, { where, by }: Choice<K> = {}): string =>
  `${grouped('sum', by)}(rate(${metric(key, where)}[${WINDOW}]))`;

/** How often something has happened within a time, such as `15m`, over all processes. */
export const within = <K extends OfType<'counter'>>(
  time: string,
  key: K,
  { where, by }: Choice<K> = {},
): string => `${grouped('sum', by)}(increase(${metric(key, where)}[${time}]))`;

/** The sum of what each process has. */
export const total = <K extends Exclude<OfType<'gauge'>, SharedKey>>(
  key: K,
  { where, by }: Choice<K> = {},
): string => `${grouped('sum', by)}(${metric(key, where)})`;

/** What the worst process says, or what all say alike: summed, the latter would count once for each of them. */
export const highest = <K extends OfType<'gauge'>>(key: K, { where, by }: Choice<K> = {}): string =>
  `${grouped('max', by)}(${metric(key, where)})`;

/** What the process says that is off worst where less is worse. */
export const lowest = <K extends OfType<'gauge'>>(key: K, { where, by }: Choice<K> = {}): string =>
  `${grouped('min', by)}(${metric(key, where)})`;

/** The value below which this share of the observations lies, over all processes. */
export const quantile = <K extends OfType<'histogram'>>(
  share: number,
  key: K,
  { where, by = [] }: Choice<K> = {},
): string => {
  const buckets = selected(`${METRICS[key].name}_bucket`, where);
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (rate(${buckets}[${WINDOW}])))`;
};

/** A figure of the process that prom-client collects, such as `nodejs_eventloop_lag_p99_seconds`. */
export const ofProcess = (name: string): string => `${PROCESS_PREFIX}${name}`;
