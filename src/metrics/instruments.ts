import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricKey, type MetricRow, PROCESS_PREFIX } from './metric-table.js';

type Labels = Record<string, string>;

/** A length of time that no histogram has counted yet. */
interface Observation {
  histogram: Histogram;
  labels: Labels;
  seconds: number;
}

/** How many are counted together: one by one, between other work, each takes a multiple of the processor time. */
const COUNTED_AT_ONCE = 256;

/** How often the event loop is looked at for delays. Each look wakes an idle process; what is a trouble lasts half a second. */
const LAG_LOOK_MS = 100;

/** The metrics of the table in a registry of their own; nothing is global, so that tests may hold several. */
export class Instruments {
  readonly registry = new Registry();
  private readonly counters = new Map<MetricKey, Counter>();
  private readonly gauges = new Map<MetricKey, Gauge>();
  private readonly histograms = new Map<MetricKey, Histogram>();
  private readonly before: (() => void | Promise<void>)[] = [];
  private readonly uncounted: Observation[] = [];

  constructor() {
    for (const [key, row] of Object.entries(METRICS)) this.add(key as MetricKey, row);
  }

  /** Adds the figures of the process itself. */
  watchProcess(): void {
    collectDefaultMetrics({
      register: this.registry,
      prefix: PROCESS_PREFIX,
      eventLoopMonitoringPrecision: LAG_LOOK_MS,
    });
  }

  /** Calls back before each answer, for values that are read on demand. An error leaves out what it was to set. */
  onCollect(refresh: () => void | Promise<void>): void {
    this.before.push(refresh);
  }

  count(key: MetricKey, labels: Labels = {}, by = 1): void {
    if (Number.isFinite(by) && by > 0) this.counters.get(key)?.inc(labels, by);
  }

  /** Shows a counter from the start: what appears with its first event has not risen, to Prometheus. */
  begin(key: MetricKey, labels: Labels): void {
    this.counters.get(key)?.inc(labels, 0);
  }

  set(key: MetricKey, value: number, labels: Labels = {}): void {
    this.gauges.get(key)?.set(labels, value);
  }

  /** Forgets every value of a gauge. */
  clear(key: MetricKey): void {
    this.gauges.get(key)?.reset();
  }

  /** Sets 1 for one of a closed set of states and 0 for the others. */
  setState(key: MetricKey, states: readonly string[], current: string): void {
    for (const state of states) this.set(key, state === current ? 1 : 0, { state });
  }

  /** Notes a length of time; null and undefined were not measured. */
  observeMs(key: MetricKey, ms: number | null | undefined, labels: Labels = {}): void {
    const histogram = this.histograms.get(key);
    if (ms == null || !Number.isFinite(ms) || histogram === undefined) return;
    this.uncounted.push({ histogram, labels, seconds: ms / 1000 });
    if (this.uncounted.length >= COUNTED_AT_ONCE) this.countObserved();
  }

  private countObserved(): void {
    for (const { histogram, labels, seconds } of this.uncounted.splice(0)) histogram.observe(labels, seconds);
  }

  /** Everything, in the text format of Prometheus. */
  async render(): Promise<string> {
    await Promise.allSettled(this.before.map(async (refresh) => await refresh()));
    this.countObserved();
    return this.registry.metrics();
  }

  private add(key: MetricKey, row: MetricRow): void {
    const { name, help, labels } = row;
    const options = { name, help, labelNames: [...labels], registers: [this.registry] };
    switch (row.type) {
      case 'counter':
        this.counters.set(key, new Counter(options));
        return;
      case 'gauge':
        this.gauges.set(key, new Gauge(options));
        return;
      case 'histogram':
        this.histograms.set(key, new Histogram({ ...options, buckets: [...(row.buckets ?? [])] }));
    }
  }
}
