import { highest, lowest, metric, ofProcess, perSecond, quantile, total, within } from './queries.js';

/** One rule of Prometheus. */
export interface Rule {
  expr: string;
  labels?: Record<string, string>;
}

export interface RecordingRule extends Rule {
  record: string;
}

export interface AlertRule extends Rule {
  alert: string;
  /** How long it must be so. */
  for: string;
  labels: { severity: 'critical' | 'warning' };
  annotations: { summary: string; description: string };
}

/** What dashboards and alerts of others can build on. */
export const RECORDING_RULES: readonly RecordingRule[] = [
  { record: 'bifrost:executions:rate5m', expr: perSecond('executions', { by: ['status'] }) },
  { record: 'bifrost:execution_queue_seconds:p95_5m', expr: quantile(0.95, 'queueWait') },
  { record: 'bifrost:execution_duration_seconds:p95_5m', expr: quantile(0.95, 'duration') },
  { record: 'bifrost:slots_used:ratio', expr: `${total('running')} / ${total('concurrency')}` },
  { record: 'bifrost:queue_jobs', expr: highest('queueJobs', { by: ['queue', 'state'] }) },
];

type Severity = AlertRule['labels']['severity'];

const alert = (
  name: string,
  severity: Severity,
  time: string,
  expr: string,
  [summary, description]: [string, string],
): AlertRule => ({
  alert: `Bifrost${name}`,
  expr,
  for: time,
  labels: { severity },
  annotations: { summary, description },
});

const waiting = highest('queueJobs', { where: { queue: 'executions', state: 'waiting' } });
const active = total('workerState', { where: { state: 'ACTIVE' } });

/** What an operator should know of. Each says what is wrong, and what to look at. */
export const ALERT_RULES: readonly AlertRule[] = [
  alert('NoWorker', 'critical', '2m', `(${active} or vector(0)) == 0`, [
    'No worker takes executions',
    'No process is scraped that is in the state ACTIVE. `bifrost workers list` shows what each says of itself.',
  ]),
  alert('NothingEnds', 'critical', '10m', `${waiting} > 0 and on () ${within('10m', 'executions')} == 0`, [
    'Executions wait and none ends',
    '{{ $value }} jobs wait, and no execution has ended within 10 minutes. `GET /queue` says why they wait; `/health` of a worker what is wrong with it.',
  ]),
  alert('QueueWait', 'warning', '10m', `${quantile(0.95, 'queueWait')} > 60`, [
    'Executions wait long for a worker',
    'One of 20 executions waits {{ $value | humanizeDuration }} or more before a worker takes it. More replicas, a higher CONCURRENCY, or a tenant that floods the queue.',
  ]),
  alert(
    'SlotsFull',
    'warning',
    '15m',
    `${total('running')} / ${total('concurrency')} > 0.9 and on () ${waiting} > 0`,
    [
      'Every slot is used while executions wait',
      '{{ $value | humanizePercentage }} of the slots have been used for 15 minutes. More replicas, or a higher CONCURRENCY where CPU and memory allow it.',
    ],
  ),
  alert(
    'InternalFailures',
    'warning',
    '0m',
    `${within('15m', 'executions', { where: { code: 'INTERNAL' } })} > 0`,
    [
      'Executions failed by a fault of the worker',
      '{{ $value | humanize }} executions ended with INTERNAL within 15 minutes. The log of the worker has the error, under the execution id.',
    ],
  ),
  alert(
    'WorkersLost',
    'warning',
    '0m',
    `${within('15m', 'executions', { where: { code: 'STALLED_OUT' } })} > 0`,
    [
      'Executions were lost with their workers again and again',
      '{{ $value | humanize }} executions ended with STALLED_OUT: the workers that ran them died, each time. Look for kills for memory in the log of the machine.',
    ],
  ),
  alert('HeartbeatOld', 'critical', '1m', `${highest('heartbeatAge', { by: ['instance'] })} > 30`, [
    'A worker has lost its sign of life',
    'Redis has taken no heartbeat of {{ $labels.instance }} for {{ $value | humanizeDuration }}: others take it for dead. Is Redis reachable from there?',
  ]),
  alert('RedisErrors', 'warning', '5m', `${perSecond('redisErrors', { by: ['instance'] })} > 0`, [
    'Connections to Redis fail',
    '{{ $labels.instance }} has had errors of its connections to Redis for 5 minutes.',
  ]),
  alert(
    'RunnersDoNotStart',
    'critical',
    '5m',
    `${perSecond('runnerBootFailures', { by: ['instance'] })} > 0`,
    [
      'Runners cannot be started',
      'Runner processes of {{ $labels.instance }} fail to start. `bifrost doctor` there says why: processes, memory and descriptors that the system allows are the usual reasons.',
    ],
  ),
  alert('NoCompiler', 'critical', '2m', `${lowest('compilers', { by: ['instance'] })} == 0`, [
    'No compiler process is alive',
    'New code cannot be compiled on {{ $labels.instance }}. `/health` there says why.',
  ]),
  alert('IsolationFails', 'critical', '0m', `${highest('isolationFailed', { by: ['instance'] })} > 0`, [
    'User code can get through the isolation',
    '{{ $value }} checks of the self-test of {{ $labels.instance }} fail. `bifrost doctor` there names them; docs/security-model.md says what each means.',
  ]),
  alert('PackagesMissing', 'warning', '15m', `${highest('packagesFailed', { by: ['instance'] })} > 0`, [
    'Packages of the manifest are missing',
    '{{ $value }} packages could not be installed on {{ $labels.instance }}. `bifrost packages status` says what npm said.',
  ]),
  alert('ArchiveDown', 'critical', '2m', `${lowest('archiveDatabase', { by: ['instance'] })} == 0`, [
    'The archive cannot use its database',
    'Results wait in Redis meanwhile, as long as RESULT_TTL_SECONDS. `/health` of {{ $labels.instance }} says what the database says.',
  ]),
  alert('ArchiveLag', 'warning', '5m', `${highest('archiveLag')} > 300`, [
    'The archive is late',
    'The oldest result that is not archived waits for {{ $value | humanizeDuration }}. Is a process with the role archive running, and its database fast enough?',
  ]),
  alert(
    'ArchiveLost',
    'critical',
    '0m',
    `${highest('archiveLost')} > ${highest('archiveLost').replace(')', ' offset 1h)')}`,
    [
      'Results expired before they were archived',
      'History has gaps: results expired in Redis before any archive had them. See docs/archive.md.',
    ],
  ),
  alert('EventLoopSlow', 'warning', '10m', `${ofProcess('nodejs_eventloop_lag_p99_seconds')} > 0.5`, [
    'A worker is overloaded',
    'The event loop of {{ $labels.instance }} lags by {{ $value | humanizeDuration }}: it has too little CPU. A lower CONCURRENCY, or more CPU.',
  ]),
  alert(
    'ResultQueueFull',
    'warning',
    '10m',
    `${metric('queueJobs', { queue: 'results', state: 'waiting' })} > 10000`,
    [
      'No consumer takes the results',
      '{{ $value }} results wait on the result queue. Is the consumer running? RESULT_QUEUE=off where there is none.',
    ],
  ),
];
