import { METRICS, type MetricRow, PROCESS_PREFIX } from './metric-table.js';

/** Renders `docs/metrics.md` from the table, so that the page cannot say anything else. */
export function renderMetricsDocs(): string {
  const rows = Object.values<MetricRow>(METRICS).map((row) => {
    const labels = row.labels.map((label) => `\`${label}\``).join(', ') || 'none';
    return `| \`${row.name}\` | ${row.type} | ${labels} | ${row.unit} | ${overProcesses(row)} | ${row.help}. |`;
  });
  return [
    '# Metrics',
    '',
    'Every process answers `GET /metrics` in the text format of Prometheus. With `API_TOKEN` the request must carry it, as for the rest of the API, unless `METRICS_ACCESS=open`:',
    '',
    '```yaml',
    'scrape_configs:',
    '  - job_name: bifrost',
    '    authorization: { credentials_file: /etc/prometheus/bifrost-token }',
    '    static_configs: [{ targets: ["worker-1:3000"] }]',
    '```',
    '',
    'No label holds an id, a path, a message or anything else of users. Metrics of executions, runners, packages and the heartbeat are there in the role `worker`, those of queues in the roles `worker` and `api`.',
    '',
    '[deploy/prometheus/bifrost.rules.yml](../deploy/prometheus/bifrost.rules.yml) has recording and alert rules, [deploy/grafana/bifrost.json](../deploy/grafana/bifrost.json) a dashboard to import into Grafana; both are generated from the same table.',
    '',
    'This page is generated from `src/metrics/metric-table.ts` by `npm run docs`.',
    '',
    '| name | type | labels | unit | over processes | meaning |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `The figures of the process itself are those of [prom-client](https://github.com/siimon/prom-client) with \`${PROCESS_PREFIX}\` before their names, among them \`${PROCESS_PREFIX}nodejs_eventloop_lag_p99_seconds\`, \`${PROCESS_PREFIX}process_cpu_seconds_total\` and \`${PROCESS_PREFIX}process_resident_memory_bytes\`. The delay of the event loop is sampled ten times a second; delays shorter than 0.1 s may be missed.`,
    '',
  ].join('\n');
}

/** How the figures of several processes become one. */
function overProcesses({ type, unit, shared }: MetricRow): string {
  if (shared) return '`max`: all say the same';
  if (type === 'histogram') return '`histogram_quantile` over `sum by (le)`';
  return type === 'gauge' && unit === 'seconds' ? '`max`' : '`sum`';
}
