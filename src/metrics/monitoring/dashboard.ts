import { highest, metric, ofProcess, perSecond, quantile, total } from './queries.js';

/** A query and how its lines are called. */
interface Target {
  expr: string;
  legend: string;
}

interface PanelPlan {
  title: string;
  /** What to read out of it. */
  about: string;
  unit: 'short' | 's' | 'percentunit' | 'ops' | 'bytes';
  kind?: 'timeseries' | 'stat';
  /** Of the 24 columns. */
  width: number;
  targets: readonly Target[];
  stacked?: boolean;
}

const line = (expr: string, legend: string): Target => ({ expr, legend });
const quantiles = (key: 'duration' | 'queueWait' | 'prepare' | 'runnerWait' | 'runnerBoot'): Target[] =>
  [0.5, 0.95, 0.99].map((share) => line(quantile(share, key), `p${share * 100}`));

/** The panels, row by row. */
const ROWS: readonly { title: string; panels: readonly PanelPlan[] }[] = [
  {
    title: 'Now',
    panels: [
      {
        title: 'Executions a second',
        about: 'Executions that end in a second, over all workers.',
        unit: 'ops',
        kind: 'stat',
        width: 4,
        targets: [line(perSecond('executions'), '')],
      },
      {
        title: 'Succeed',
        about: 'Share of the executions that succeed. Errors of user code count as failed.',
        unit: 'percentunit',
        kind: 'stat',
        width: 4,
        targets: [
          line(
            `${perSecond('executions', { where: { status: 'succeeded' } })} / ${perSecond('executions')}`,
            '',
          ),
        ],
      },
      {
        title: 'Waiting',
        about: 'Jobs that no worker has taken yet.',
        unit: 'short',
        kind: 'stat',
        width: 4,
        targets: [line(highest('queueJobs', { where: { queue: 'executions', state: 'waiting' } }), '')],
      },
      {
        title: 'Wait, p95',
        about: 'How long 19 of 20 executions wait at most before a worker takes them.',
        unit: 's',
        kind: 'stat',
        width: 4,
        targets: [line(quantile(0.95, 'queueWait'), '')],
      },
      {
        title: 'Slots used',
        about: 'Share of all slots on which something runs.',
        unit: 'percentunit',
        kind: 'stat',
        width: 4,
        targets: [line(`${total('running')} / ${total('concurrency')}`, '')],
      },
      {
        title: 'Workers that take work',
        about: 'Processes in the state ACTIVE.',
        unit: 'short',
        kind: 'stat',
        width: 4,
        targets: [line(total('workerState', { where: { state: 'ACTIVE' } }), '')],
      },
    ],
  },
  {
    title: 'Executions',
    panels: [
      {
        title: 'Ends by status',
        about: 'Executions that end in a second, by status.',
        unit: 'ops',
        width: 12,
        stacked: true,
        targets: [line(perSecond('executions', { by: ['status'] }), '{{status}}')],
      },
      {
        title: 'Failures by code',
        about: 'docs/failure-codes.md says what each code means and whose fault it is.',
        unit: 'ops',
        width: 12,
        stacked: true,
        targets: [line(perSecond('executions', { where: { code: '!' }, by: ['code'] }), '{{code}}')],
      },
      {
        title: 'Run time',
        about: 'How long the code ran.',
        unit: 's',
        width: 8,
        targets: quantiles('duration'),
      },
      {
        title: 'Wait in the queue',
        about: 'From the time at which a job may run to a worker that takes it.',
        unit: 's',
        width: 8,
        targets: quantiles('queueWait'),
      },
      {
        title: 'Wait for a runner',
        about: 'Of executions that a worker has taken. More spare runners make it shorter.',
        unit: 's',
        width: 8,
        targets: quantiles('runnerWait'),
      },
      {
        title: 'Prepare',
        about: 'Collecting and compiling the code.',
        unit: 's',
        width: 8,
        targets: quantiles('prepare'),
      },
      {
        title: 'CPU of executions',
        about: 'Processors that user code keeps busy.',
        unit: 'short',
        width: 8,
        stacked: true,
        targets: [line(perSecond('cpu', { by: ['mode'] }), '{{mode}}')],
      },
      {
        title: 'Again and back',
        about:
          'Attempts that failed and are followed by another, further runs, jobs handed back to the queue.',
        unit: 'ops',
        width: 8,
        targets: [
          line(perSecond('attemptsFailed'), 'attempts that failed'),
          line(perSecond('runsAgain'), 'further runs'),
          line(perSecond('handedBack'), 'handed back'),
        ],
      },
    ],
  },
  {
    title: 'Queues and archive',
    panels: [
      {
        title: 'Jobs on the queues',
        about: 'All processes report the same; the highest is shown, not the sum.',
        unit: 'short',
        width: 12,
        targets: [line(highest('queueJobs', { by: ['queue', 'state'] }), '{{queue}} {{state}}')],
      },
      {
        title: 'Archive',
        about: 'For how long the oldest result waits that is not archived, and how many wait.',
        unit: 'short',
        width: 12,
        targets: [
          line(highest('archiveLag'), 'lag, s'),
          line(highest('archiveWaiting'), 'results that wait'),
        ],
      },
    ],
  },
  {
    title: 'Workers',
    panels: [
      {
        title: 'Runners',
        about: 'Runner processes by state.',
        unit: 'short',
        width: 8,
        stacked: true,
        targets: [line(total('runners', { by: ['state', 'busy'] }), '{{state}}, busy {{busy}}')],
      },
      {
        title: 'Start of a runner',
        about: 'From the decision to start or fork one until it is ready.',
        unit: 's',
        width: 8,
        targets: quantiles('runnerBoot'),
      },
      {
        title: 'Trouble',
        about: 'Runners that could not be started, compilers that ended, errors of connections to Redis.',
        unit: 'ops',
        width: 8,
        targets: [
          line(perSecond('runnerBootFailures'), 'runners not started'),
          line(perSecond('compilersEnded', { by: ['end'] }), 'compilers: {{end}}'),
          line(perSecond('redisErrors', { by: ['connection'] }), 'Redis: {{connection}}'),
        ],
      },
      {
        title: 'Memory of workers',
        about: 'Resident memory of each worker process, without its runners.',
        unit: 'bytes',
        width: 8,
        targets: [line(ofProcess('process_resident_memory_bytes'), '{{instance}}')],
      },
      {
        title: 'Event loop lag, p99',
        about: 'Above half a second a worker has too little CPU.',
        unit: 's',
        width: 8,
        targets: [line(ofProcess('nodejs_eventloop_lag_p99_seconds'), '{{instance}}')],
      },
      {
        title: 'Heartbeat and isolation',
        about: 'Seconds since the last sign of life, and checks of the isolation that fail.',
        unit: 'short',
        width: 8,
        targets: [
          line(metric('heartbeatAge'), 'heartbeat {{instance}}'),
          line(metric('isolationFailed'), 'failed checks {{instance}}'),
        ],
      },
    ],
  },
];

const COLUMNS = 24;
const HEIGHTS = { stat: 4, timeseries: 8 } as const;
const SOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The dashboard as Grafana imports it. */
export function dashboard(): object {
  return {
    uid: 'bifrost-worker',
    title: 'bifrost-worker',
    tags: ['bifrost'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }],
    },
    panels: panels(),
  };
}

function panels(): object[] {
  const made: object[] = [];
  let y = 0;
  for (const { title, panels: plans } of ROWS) {
    const at = { x: 0, y, w: COLUMNS, h: 1 };
    made.push({ id: made.length + 1, type: 'row', title, collapsed: false, gridPos: at, panels: [] });
    y += 1;
    let [x, height] = [0, 0];
    for (const plan of plans) {
      if (x + plan.width > COLUMNS) [x, y] = [0, y + height];
      height = HEIGHTS[plan.kind ?? 'timeseries'];
      made.push(panelOf(plan, made.length + 1, { x, y, w: plan.width, h: height }));
      x += plan.width;
    }
    y += height;
  }
  return made;
}

function panelOf(plan: PanelPlan, id: number, gridPos: object): object {
  const { title, about, unit, kind = 'timeseries', targets, stacked = false } = plan;
  const custom = stacked ? { fillOpacity: 30, stacking: { mode: 'normal' } } : { fillOpacity: 10 };
  return {
    id,
    type: kind,
    title,
    description: about,
    gridPos,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0, ...(kind === 'stat' ? {} : { custom }) }, overrides: [] },
    options:
      kind === 'stat'
        ? { colorMode: 'none', graphMode: 'area', reduceOptions: { calcs: ['lastNotNull'] } }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: targets.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      expr,
      legendFormat: legend,
      datasource: SOURCE,
    })),
  };
}
