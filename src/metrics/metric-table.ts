// Longer than 300 lines: the one table of every metric.
/** One metric as `/metrics` and docs/metrics.md show it. */
export interface MetricRow {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Every label has a closed set of values: none is an id, a path or a message. */
  labels: readonly string[];
  unit: string;
  help: string;
  buckets?: readonly number[];
  /** Every process reports it alike, because it is about what all share: the highest is the figure, not the sum. */
  shared?: true;
}

/** Put before the names of what prom-client says of the process itself. */
export const PROCESS_PREFIX = 'bifrost_';

const FAST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const LONG_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** The one table of metrics of our own. Names are contracts: dashboards and alerts use them. */
export const METRICS = {
  executions: {
    name: 'bifrost_executions_total',
    type: 'counter',
    labels: ['status', 'code'],
    unit: 'executions',
    help: 'Executions that ended here, by status and failure code (empty: none)',
  },
  duration: {
    name: 'bifrost_execution_duration_seconds',
    type: 'histogram',
    labels: ['status'],
    unit: 'seconds',
    help: 'How long the code ran',
    buckets: LONG_SECONDS,
  },
  queueWait: {
    name: 'bifrost_execution_queue_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'How long executions were in the queue before a worker took them',
    buckets: LONG_SECONDS,
  },
  prepare: {
    name: 'bifrost_execution_prepare_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'How long collecting and compiling their code took',
    buckets: FAST_SECONDS,
  },
  runnerWait: {
    name: 'bifrost_execution_runner_wait_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'How long executions waited for a free runner',
    buckets: FAST_SECONDS,
  },
  cpu: {
    name: 'bifrost_execution_cpu_seconds_total',
    type: 'counter',
    labels: ['mode'],
    unit: 'seconds',
    help: 'CPU time that executions used, in mode user or system',
  },
  attemptsFailed: {
    name: 'bifrost_attempts_failed_total',
    type: 'counter',
    labels: ['code'],
    unit: 'attempts',
    help: 'Attempts that failed and are followed by another',
  },
  jobsUnrun: {
    name: 'bifrost_jobs_ended_without_run_total',
    type: 'counter',
    labels: ['reason'],
    unit: 'jobs',
    help: 'Jobs that ended without code being run for them: known or redelivered (their execution has a result), refused, child-failed, expired, skipped, cancelled or stalled-out',
  },
  runsAgain: {
    name: 'bifrost_further_runs_total',
    type: 'counter',
    labels: ['because'],
    unit: 'runs',
    help: 'Runs of executions that had ended: their job was retried, asks for another run, or nothing had run',
  },
  ticksMissed: {
    name: 'bifrost_schedule_ticks_missed_total',
    type: 'counter',
    labels: [],
    unit: 'ticks',
    help: 'Ticks of job schedulers that were due and never became a job, because no worker took the tick before them in time',
  },
  jobsMended: {
    name: 'bifrost_jobs_unreadable_total',
    type: 'counter',
    labels: [],
    unit: 'jobs',
    help: 'Jobs whose data or options BullMQ could not read, and which were refused',
  },
  handedBack: {
    name: 'bifrost_jobs_handed_back_total',
    type: 'counter',
    labels: ['to'],
    unit: 'jobs',
    help: 'Jobs that went back to the queue without a result: to its front, to be looked at later, or into the lane of its organization',
  },
  running: {
    name: 'bifrost_executions_running',
    type: 'gauge',
    labels: [],
    unit: 'executions',
    help: 'Executions that this worker carries out now',
  },
  concurrency: {
    name: 'bifrost_concurrency',
    type: 'gauge',
    labels: [],
    unit: 'executions',
    help: 'Executions that this worker carries out at once, at most',
  },
  runners: {
    name: 'bifrost_runners',
    type: 'gauge',
    labels: ['state', 'busy'],
    unit: 'processes',
    help: 'Runner processes by state, and whether something runs on them',
  },
  runnerBoot: {
    name: 'bifrost_runner_boot_seconds',
    type: 'histogram',
    labels: ['start'],
    unit: 'seconds',
    help: 'How long runners took to be ready, by how they came about: spawn or fork',
    buckets: FAST_SECONDS,
  },
  runnerBootFailures: {
    name: 'bifrost_runner_boot_failures_total',
    type: 'counter',
    labels: [],
    unit: 'runners',
    help: 'Runners that could not be started',
  },
  compilers: {
    name: 'bifrost_compilers',
    type: 'gauge',
    labels: [],
    unit: 'processes',
    help: 'Compiler processes that are alive',
  },
  compilersEnded: {
    name: 'bifrost_compilers_ended_total',
    type: 'counter',
    labels: ['end'],
    unit: 'processes',
    help: 'Compiler processes that ended: killed (by the worker, when a source took too long or one process was enough, or from outside), out of memory, or by a crash',
  },
  compilesRefused: {
    name: 'bifrost_compiles_refused_total',
    type: 'counter',
    labels: ['limit'],
    unit: 'sources',
    help: 'Sources that took more than they may to compile, by what: time, memory, or a crash of the compiler',
  },
  networkConnections: {
    name: 'bifrost_network_connections_total',
    type: 'counter',
    labels: ['result', 'reason'],
    unit: 'connections',
    help: 'Connections that code at the network proxy asked for, by result (opened, refused, failed) and why it was refused (empty: it was not)',
  },
  packages: {
    name: 'bifrost_packages_state',
    type: 'gauge',
    labels: ['state'],
    unit: '0 or 1',
    help: 'How far this worker is with the packages of the manifest: 1 for the state it is in',
  },
  packagesFailed: {
    name: 'bifrost_packages_failed',
    type: 'gauge',
    labels: [],
    unit: 'packages',
    help: 'Packages of the manifest that failed to install or were refused',
  },
  packagesInstall: {
    name: 'bifrost_packages_install_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'How long installing package sets took',
    buckets: LONG_SECONDS,
  },
  redisErrors: {
    name: 'bifrost_redis_errors_total',
    type: 'counter',
    labels: ['connection'],
    unit: 'errors',
    help: 'Errors of the connections to Redis, each failed try to connect among them',
  },
  redisReconnects: {
    name: 'bifrost_redis_reconnects_total',
    type: 'counter',
    labels: ['connection'],
    unit: 'connections',
    help: 'Connections to Redis that were lost and came back',
  },
  resultRetries: {
    name: 'bifrost_result_delivery_retries_total',
    type: 'counter',
    labels: [],
    unit: 'tries',
    help: 'Deliveries of results that failed and were tried again',
  },
  workerState: {
    name: 'bifrost_worker_state',
    type: 'gauge',
    labels: ['state'],
    unit: '0 or 1',
    help: '1 for the state that this worker is in',
  },
  isolationGrade: {
    name: 'bifrost_isolation_grade',
    type: 'gauge',
    labels: ['level', 'grade', 'network'],
    unit: '1',
    help: 'What the self-test of the isolation came to: docs/security-model.md; absent until it is done',
  },
  isolationFailed: {
    name: 'bifrost_isolation_failed_checks',
    type: 'gauge',
    labels: [],
    unit: 'checks',
    help: 'Checks of that self-test in which user code got through; absent until it is done',
  },
  runnersForked: {
    name: 'bifrost_runners_are_forked',
    type: 'gauge',
    labels: [],
    unit: '0 or 1',
    help: '1 while runners are forked of a template, 0 while each is started; `/health` says why: docs/runners.md',
  },
  heartbeatAge: {
    name: 'bifrost_heartbeat_age_seconds',
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'Since the last sign of life that Redis took; above 30 others take this worker for dead',
  },
  queueJobs: {
    name: 'bifrost_queue_jobs',
    type: 'gauge',
    labels: ['queue', 'state'],
    unit: 'jobs',
    help: 'Jobs on the queues of executions and of results, seen by every worker alike; absent while Redis does not answer',
    shared: true,
  },
  archiveWaiting: {
    name: 'bifrost_archive_waiting_results',
    type: 'gauge',
    labels: [],
    unit: 'results',
    help: 'Results that are not archived yet, seen by every process alike; absent while Redis does not answer',
    shared: true,
  },
  archiveLag: {
    name: 'bifrost_archive_lag_seconds',
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'For how long the oldest of them waits; 0 when none does',
    shared: true,
  },
  archiveLost: {
    name: 'bifrost_archive_lost_results',
    type: 'gauge',
    labels: [],
    unit: 'results',
    help: 'Results that expired before any archive had them, since the beginning',
    shared: true,
  },
  archiveDatabase: {
    name: 'bifrost_archive_database_up',
    type: 'gauge',
    labels: [],
    unit: '0 or 1',
    help: 'Whether this archive can use its database; only in the role archive',
  },
  archiveWritten: {
    name: 'bifrost_archive_written_results',
    type: 'gauge',
    labels: [],
    unit: 'results',
    help: 'Results that this archive has written since its start; only in the role archive',
  },
  archiveRefused: {
    name: 'bifrost_archive_refused_results',
    type: 'gauge',
    labels: [],
    unit: 'results',
    help: 'Results that the database takes in no form, since the start of this archive; only in the role archive',
  },
  build: {
    name: 'bifrost_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    unit: '1',
    help: 'Versions of the worker and of Node',
  },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof METRICS;
