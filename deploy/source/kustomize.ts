import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { monitor, objectsOf, ROLES, scaling } from './objects.ts';
import { defaults } from './renderer.ts';
import { VALUES, VERSION } from './values.ts';
import { labelsOf, nameOf, worker } from './workloads.ts';

/** Files by their path. */
export type Files = Record<string, string>;

export const HEADER = '# Generated from deploy/source by `npm run deploy`.\n';
const yaml = (object: object): string =>
  HEADER + stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
const kustomization = (of: object): string =>
  yaml({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...of });
const component = (of: object): string =>
  yaml({ apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', ...of });

/** The folder deploy/kubernetes. */
export function kustomizeFiles(): Files {
  return { ...base(), ...components(), ...overlays() };
}

function base(): Files {
  const files: Files = { 'base/kustomization.yaml': kustomization({ resources: ROLES }) };
  for (const role of ROLES) {
    const manifests = objectsOf(role, defaults);
    const folder = `base/${role}`;
    files[`${folder}/kustomization.yaml`] = kustomization({
      resources: manifests.map(({ file }) => `${file}.yaml`),
    });
    for (const { file, object } of manifests) files[`${folder}/${file}.yaml`] = yaml(object);
  }
  return files;
}

function components(): Files {
  return {
    'components/autoscale/kustomization.yaml': component({
      resources: ['scaled-object.yaml'],
      // KEDA decides how many there are: a number here would undo that at each `kubectl apply`.
      patches: [
        {
          target: { kind: 'Deployment', name: nameOf('worker', defaults) },
          patch: stringify([{ op: 'remove', path: '/spec/replicas' }]),
        },
      ],
    }),
    'components/autoscale/scaled-object.yaml': yaml(scaling(defaults).object),
    'components/monitoring/kustomization.yaml': component({
      resources: ['service-monitor.yaml', 'prometheus-rule.yaml'],
    }),
    'components/monitoring/service-monitor.yaml': yaml(monitor(defaults).object),
    'components/monitoring/prometheus-rule.yaml': yaml(prometheusRule()),
    'components/grade-a/kustomization.yaml': component({ patches: [{ path: 'worker.yaml' }] }),
    'components/grade-a/worker.yaml': yaml(gradeA()),
  };
}

/** The rules of deploy/prometheus as the Prometheus operator takes them. */
export function prometheusRule(): object {
  const { 'app.kubernetes.io/component': _, ...labels } = labelsOf('worker', defaults);
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: defaults.release, labels },
    spec: parse(rules()) as object,
  };
}

export const rules = (): string =>
  readFileSync(new URL('../prometheus/bifrost.rules.yml', import.meta.url), 'utf8');

/** What differs in a worker of grade A, as a patch of one that is not. */
function gradeA(): object {
  const { spec } = worker({ ...defaults, either: (_, yes) => yes, only: (_, of) => of });
  const pod = spec?.template.spec;
  const container = pod?.containers[0];
  const required = container?.env?.filter(({ name }) => name === 'ISOLATION_REQUIRED_GRADE');
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf('worker', defaults) },
    spec: {
      template: {
        spec: {
          hostUsers: pod?.hostUsers,
          containers: [{ name: 'worker', securityContext: container?.securityContext, env: required }],
        },
      },
    },
  };
}

function overlays(): Files {
  const image = { name: VALUES.repository.value, newTag: VERSION };
  return {
    'overlays/production/kustomization.yaml': kustomization({
      namespace: 'bifrost',
      resources: ['../../base'],
      components: ['../../components/autoscale', '../../components/monitoring'],
      images: [image],
    }),
    'overlays/canary/kustomization.yaml': kustomization({
      namespace: 'bifrost',
      nameSuffix: '-canary',
      resources: ['../../base/worker'],
      labels: [{ pairs: { 'app.kubernetes.io/instance': 'bifrost-canary' }, includeSelectors: true }],
      replicas: [{ name: nameOf('worker', defaults), count: 1 }],
      images: [image],
    }),
    'overlays/try/kustomization.yaml': kustomization({
      namespace: 'bifrost-try',
      resources: ['namespace.yaml', '../../base', 'redis.yaml'],
      replicas: [
        ...(['worker', 'api'] as const).map((role) => ({ name: nameOf(role, defaults), count: 1 })),
        // Without Postgres there is no history.
        { name: nameOf('archive', defaults), count: 0 },
      ],
      secretGenerator: [
        {
          name: VALUES.secret.value,
          literals: ['REDIS_URL=redis://redis:6379', 'API_TOKEN=for-trying-out-only'],
          options: { disableNameSuffixHash: true },
        },
      ],
    }),
    'overlays/try/namespace.yaml': yaml({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'bifrost-try',
        labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
      },
    }),
    'overlays/try/redis.yaml': redis().map(yaml).join('---\n').replaceAll(`---\n${HEADER}`, '---\n'),
  };
}

/** A Redis that loses all it has with its pod: for trying out. */
function redis(): object[] {
  const labels = { 'app.kubernetes.io/name': 'redis' };
  const metadata = { name: 'redis', labels };
  const port = 6379;
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port }] } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 999,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'redis',
                image: 'redis:8-bookworm',
                args: ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
                ports: [{ containerPort: port }],
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                volumeMounts: [{ name: 'data', mountPath: '/data' }],
              },
            ],
            volumes: [{ name: 'data', emptyDir: {} }],
          },
        },
      },
    },
  ];
}
