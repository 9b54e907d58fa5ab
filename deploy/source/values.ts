import { readFileSync } from 'node:fs';

/** Something that an operator may change: a value of the Helm chart, with what the kustomize base has in its place. */
export interface Value<T> {
  /** Its address in values.yaml. */
  path: string;
  /** Its default, and what the base of kustomize has. */
  value: T;
  /** One sentence or two, as a comment in values.yaml. */
  about: string;
  /** All that it may be, where that is a few words. */
  choices?: readonly string[];
}

/** Peers of a network policy, as Kubernetes writes them. */
export type Peers = {
  podSelector?: { matchLabels: Record<string, string> };
  namespaceSelector?: { matchLabels: Record<string, string> };
  ipBlock?: { cidr: string; except?: string[] };
}[];

/** Requests and limits of a container. */
export type Resources = Record<'requests' | 'limits', Record<string, string>>;

export const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Metadata services of clouds, and every address that is not public. */
const PRIVATE = ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'];

const value = <T>(path: string, of: T, about: string): Value<T> => ({ path, value: of, about });
const choice = <T extends string>(path: string, of: T, choices: readonly T[], about: string): Value<T> => ({
  path,
  value: of,
  about,
  choices,
});
const inside = (app: string): Peers => [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': app } } }];

/** Every value of the chart, in the order of values.yaml. */
export const VALUES = {
  repository: value(
    'image.repository',
    'bifrost-worker',
    'Image of all roles: build it from the Dockerfile.',
  ),
  tag: value('image.tag', VERSION, 'Its tag. Roll a new version out by changing it.'),
  pullPolicy: choice(
    'image.pullPolicy',
    'IfNotPresent',
    ['Always', 'IfNotPresent', 'Never'],
    'When the node pulls it: Always, IfNotPresent, Never.',
  ),
  pullSecrets: value<{ name: string }[]>(
    'image.pullSecrets',
    [],
    'Secrets for a registry that wants a login.',
  ),
  secret: value(
    'secretName',
    'bifrost',
    'Secret whose keys are settings: REDIS_URL, API_TOKEN and DATABASE_URL at least. The chart never makes it.',
  ),
  settings: value<Record<string, string>>(
    'settings',
    {},
    'Further settings of all roles by name, as docs/configuration.md lists them, such as NETWORK: proxy.',
  ),
  workers: value('worker.replicas', 2, 'Workers while autoscaling is off.'),
  concurrency: value(
    'worker.concurrency',
    4,
    'Executions at once on a worker. The memory limit below is reckoned from it: 1 GiB, and 512 MiB for each.',
  ),
  drainSeconds: value(
    'worker.drainSeconds',
    25,
    'How long running executions may go on after SIGTERM. The grace period of the pod is 15 seconds more.',
  ),
  workerResources: value<Resources>(
    'worker.resources',
    {
      requests: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
      limits: { memory: '3Gi', 'ephemeral-storage': '8Gi' },
    },
    'Of a worker and all its runners together. No limit of CPU: throttled code runs into its time limit.',
  ),
  packagesSize: value('worker.packagesSize', '6Gi', 'Room for npm packages, on the disk of the node.'),
  nodeSelector: value<Record<string, string>>('worker.nodeSelector', {}, 'Nodes that workers may run on.'),
  tolerations: value<Record<string, string>[]>('worker.tolerations', [], 'Taints that workers tolerate.'),
  gradeA: value(
    'worker.gradeA',
    false,
    'Lets runners have namespaces of their own, which the nodes must allow: docs/kubernetes.md#grades.',
  ),
  requiredGrade: choice(
    'worker.requiredGrade',
    'C',
    ['A', 'B', 'C', 'D'],
    'A worker below this grade of isolation ends instead of taking work: A, B, C or D.',
  ),
  apis: value('api.replicas', 2, 'Processes that answer the HTTP API and serve the console.'),
  apiResources: value<Resources>(
    'api.resources',
    { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } },
    'Of one of them.',
  ),
  apiClients: value<Peers>(
    'api.clients',
    [{ namespaceSelector: { matchLabels: {} } }],
    'Who may connect to the API, as peers of a NetworkPolicy; every pod of the cluster by default. The token is wanted of all.',
  ),
  archives: value(
    'archive.replicas',
    1,
    'Processes that write the history to Postgres. One is enough; two take turns.',
  ),
  archiveResources: value<Resources>(
    'archive.resources',
    { requests: { cpu: '50m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    'Of one of them.',
  ),
  policies: value(
    'networkPolicy.enabled',
    true,
    'Whether pods reach, and are reached by, nothing but what is named here.',
  ),
  redis: value<Peers>('networkPolicy.redis', inside('redis'), 'Where Redis is.'),
  redisPort: value('networkPolicy.redisPort', 6379, 'Port of Redis.'),
  postgres: value<Peers>('networkPolicy.postgres', inside('postgres'), 'Where Postgres is.'),
  postgresPort: value('networkPolicy.postgresPort', 5432, 'Port of Postgres.'),
  monitoring: value<Peers>(
    'networkPolicy.monitoring',
    [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    'Where Prometheus is.',
  ),
  internet: value<Peers>(
    'networkPolicy.internet',
    [{ ipBlock: { cidr: '0.0.0.0/0', except: PRIVATE } }],
    'What workers reach on the ports 80 and 443: the npm registry, receivers of webhooks, hosts of NETWORK_ALLOW.',
  ),
  autoscale: value(
    'autoscale.enabled',
    false,
    'Scales workers with KEDA, by the length of the queue and the wait in it.',
  ),
  minWorkers: value('autoscale.minReplicas', 2, 'Never fewer workers.'),
  maxWorkers: value('autoscale.maxReplicas', 20, 'Never more.'),
  jobsPerWorker: value('autoscale.jobsPerWorker', '8', 'Waiting jobs that one worker is good for.'),
  waitSeconds: value(
    'autoscale.waitSeconds',
    '5',
    'The wait of the slowest tenth of the jobs that is aimed at.',
  ),
  prometheus: value(
    'autoscale.prometheus',
    'http://prometheus-operated.monitoring.svc:9090',
    'Prometheus that KEDA asks.',
  ),
  serviceMonitor: value('monitoring.serviceMonitor', false, 'Has the Prometheus operator scrape every pod.'),
  monitorLabels: value<Record<string, string>>(
    'monitoring.labels',
    {},
    'Labels that your Prometheus selects monitors by, such as release: kube-prometheus-stack.',
  ),
} as const;
