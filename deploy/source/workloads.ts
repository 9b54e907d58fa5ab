import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSecurityContext } from 'kubernetes-models/v1/PodSecurityContext';
import type { IProbe } from 'kubernetes-models/v1/Probe';
import type { ISecurityContext } from 'kubernetes-models/v1/SecurityContext';
import type { IService } from 'kubernetes-models/v1/Service';
import type { Renderer } from './renderer.ts';
import { type Resources, type Value, VALUES } from './values.ts';

export type Role = 'worker' | 'api' | 'archive';

/** User of the image. */
const USER = 1000;
export const PORT = 3000;

/** What every object of a role carries, and selectors choose by. */
export const labelsOf = (role: Role, { release }: Renderer): Record<string, string> => ({
  'app.kubernetes.io/name': 'bifrost',
  'app.kubernetes.io/instance': release,
  'app.kubernetes.io/component': role,
});

export const nameOf = (role: Role, { release }: Renderer): string => `${release}-${role}`;

const pod: IPodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
};
const confined: ISecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
/** What the restricted standard of Kubernetes asks for. */
const RESTRICTED: Pick<ISecurityContext, 'seccompProfile'> = { seccompProfile: { type: 'RuntimeDefault' } };
/** What bubblewrap needs without privileges: the right to make namespaces, mounts in them, and a /proc without covers. */
const GRADE_A: ISecurityContext = {
  seccompProfile: { type: 'Unconfined' },
  appArmorProfile: { type: 'Unconfined' },
  procMount: 'Unmasked',
};

const probe = (path: string, periodSeconds: number, failureThreshold: number): IProbe => ({
  httpGet: { path, port: 'http' },
  periodSeconds,
  timeoutSeconds: 3,
  failureThreshold,
});

interface Shape {
  replicas: number;
  resources: Value<Resources>;
  securityContext: ISecurityContext;
  env: NonNullable<IContainer['env']>;
  mounts: NonNullable<IContainer['volumeMounts']>;
  volumes: object[];
  grace: number;
  more?: object;
}

/** Workers: they run the code, so they have the room, the time to drain and the confinement. */
export function worker(by: Renderer): IDeployment {
  const { gradeA } = VALUES;
  return deployment('worker', by, {
    replicas: by.unless(VALUES.autoscale, VALUES.workers),
    resources: VALUES.workerResources,
    securityContext: {
      ...confined,
      seccompProfile: by.either(gradeA, GRADE_A.seccompProfile, RESTRICTED.seccompProfile),
      appArmorProfile: by.only(gradeA, GRADE_A.appArmorProfile),
      procMount: by.only(gradeA, GRADE_A.procMount),
    } as ISecurityContext,
    env: [
      { name: 'CONCURRENCY', value: by.text(VALUES.concurrency) },
      { name: 'DRAIN_TIMEOUT_SECONDS', value: by.text(VALUES.drainSeconds) },
      { name: 'ISOLATION_REQUIRED_GRADE', value: by.either(gradeA, 'A', by.text(VALUES.requiredGrade)) },
    ],
    mounts: [{ name: 'packages', mountPath: '/var/cache/bifrost/packages' }],
    volumes: [{ name: 'packages', emptyDir: { sizeLimit: by.of(VALUES.packagesSize) } }],
    grace: by.plus(VALUES.drainSeconds, 15),
    more: {
      // Users of the pod have no rights on the node. Without it Kubernetes refuses a /proc without covers.
      hostUsers: by.only(gradeA, false),
      nodeSelector: by.of(VALUES.nodeSelector),
      tolerations: by.of(VALUES.tolerations),
    },
  });
}

/** The API: it runs no code, so it is as confined as a pod can be and needs little. */
export const api = (by: Renderer): IDeployment =>
  deployment('api', by, {
    ...quiet,
    replicas: by.of(VALUES.apis),
    resources: VALUES.apiResources,
  });

/** The archive: reads results from Redis, writes them to Postgres. */
export const archive = (by: Renderer): IDeployment =>
  deployment('archive', by, {
    ...quiet,
    replicas: by.of(VALUES.archives),
    resources: VALUES.archiveResources,
  });

const quiet = {
  securityContext: { ...confined, ...RESTRICTED },
  env: [],
  mounts: [],
  volumes: [],
  grace: 30,
};

function deployment(role: Role, by: Renderer, shape: Shape): IDeployment {
  const labels = labelsOf(role, by);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf(role, by), labels },
    spec: {
      replicas: shape.replicas,
      selector: { matchLabels: labels },
      // A new pod takes work before an old one drains: capacity never falls while a version is rolled out.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          // A Service named redis would put REDIS_PORT=tcp://… into the environment, which is a setting of ours.
          enableServiceLinks: false,
          terminationGracePeriodSeconds: shape.grace,
          securityContext: pod,
          imagePullSecrets: by.of(VALUES.pullSecrets),
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          ...shape.more,
          containers: [container(role, by, shape)],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            { name: 'home', emptyDir: { sizeLimit: '64Mi' } },
            ...shape.volumes,
          ],
        },
      },
    },
  } as IDeployment;
}

function container(role: Role, by: Renderer, shape: Shape): IContainer {
  return {
    name: role,
    image: `${by.of(VALUES.repository)}:${by.of(VALUES.tag)}`,
    imagePullPolicy: by.of(VALUES.pullPolicy),
    ports: [{ name: 'http', containerPort: PORT }],
    env: [
      { name: 'ROLES', value: role },
      { name: 'PORT', value: String(PORT) },
      { name: 'WORKER_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'WORKER_TYPE', value: 'kubernetes' },
      ...shape.env,
      ...by.variables(VALUES.settings),
    ],
    envFrom: [{ secretRef: { name: by.of(VALUES.secret) } }],
    // Up to two minutes for a Redis that comes up beside it.
    startupProbe: probe('/health/live', 2, 60),
    livenessProbe: probe('/health/live', 10, 3),
    readinessProbe: probe('/health/ready', 5, 2),
    resources: by.of(shape.resources),
    securityContext: shape.securityContext,
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'home', mountPath: '/home/node' },
      ...shape.mounts,
    ],
  };
}

/** The address of the API in the cluster; of the other roles what Prometheus scrapes. */
export function service(role: Role, by: Renderer): IService {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: nameOf(role, by), labels: labelsOf(role, by) },
    spec: {
      ...(role === 'api' ? {} : { clusterIP: 'None' }),
      selector: labelsOf(role, by),
      ports: [{ name: 'http', port: PORT, targetPort: 'http' }],
    },
  };
}
