import { describe, expect, it } from '@jest/globals';
import { parser } from '@prometheus-io/lezer-promql';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { helmFiles } from '../../deploy/source/helm.ts';
import { kustomizeFiles } from '../../deploy/source/kustomize.ts';
import { LENGTH_QUERY, WAIT_QUERY } from '../../deploy/source/scaling.ts';
import { isProbe } from '../../src/api/http/access-policy.js';
import { parseSettings, settingsSchema } from '../../src/config/settings.js';
import { METRICS } from '../../src/metrics/metric-table.js';
import {
  helmLint,
  helmTemplate,
  kustomize,
  kustomizeWith,
  type KubeObject,
  nameOf,
  problemsOf,
} from './cluster-tools.js';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');

interface Pod {
  hostUsers?: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  containers: {
    name: string;
    image: string;
    env: { name: string; value?: string }[];
    securityContext: Record<string, unknown>;
    livenessProbe: { httpGet: { path: string } };
    readinessProbe: { httpGet: { path: string } };
    startupProbe: { httpGet: { path: string } };
  }[];
}
interface Workload {
  replicas?: number;
  selector: { matchLabels: Record<string, string> };
  template: { spec: Pod };
}

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    globSync('**/*', { cwd: folder })
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  );
/** Objects by name. The order of variables means nothing, and differs where kustomize has patched them. */
function byName(objects: readonly KubeObject[]): Record<string, KubeObject> {
  const inOrder = (key: string, value: unknown): unknown =>
    key === 'env' ? (value as { name: string }[]).toSorted((a, b) => a.name.localeCompare(b.name)) : value;
  return Object.fromEntries(
    objects.map((object) => [nameOf(object), JSON.parse(JSON.stringify(object, inOrder)) as KubeObject]),
  );
}
const workload = (objects: readonly KubeObject[], name: string): Workload =>
  objects.find((object) => nameOf(object) === `Deployment/${name}`)?.spec as Workload;
const podOf = (objects: readonly KubeObject[], name: string): Pod => workload(objects, name).template.spec;

// Each is what one call of a program prints: they are few, and all tests look at them.
const base = kustomize('base');
const chart = helmTemplate();
const everything = ['autoscale.enabled=true', 'monitoring.serviceMonitor=true'];
const overlays = ['production', 'canary', 'try'].map(
  (name) => [name, kustomize(`overlays/${name}`)] as const,
);

it('is written as deploy/source has it', () => {
  expect(filesOf(join(DEPLOY, 'kubernetes'))).toEqual(kustomizeFiles());
  expect(filesOf(join(DEPLOY, 'helm', 'bifrost'))).toEqual(helmFiles());
});

describe('kustomize and Helm', () => {
  it('come to the same objects', () => {
    expect(base.map(nameOf).toSorted()).toEqual(chart.map(nameOf).toSorted());
    expect(base.length).toBe(12);
    expect(byName(chart)).toEqual(byName(base));
  });

  it('come to the same with everything that needs an operator', () => {
    expect(byName(helmTemplate(everything))).toEqual(byName(kustomizeWith('autoscale', 'monitoring')));
  });

  it('come to the same at grade A', () => {
    const own = kustomizeWith('grade-a');
    expect(byName(helmTemplate(['worker.gradeA=true']))).toEqual(byName(own));
    const pod = podOf(own, 'bifrost-worker');
    expect(pod).toMatchObject({
      hostUsers: false,
      containers: [{ securityContext: { procMount: 'Unmasked' } }],
    });
    expect(pod.containers[0]?.env).toContainEqual({ name: 'ISOLATION_REQUIRED_GRADE', value: 'A' });
  });
});

describe('the schemas of Kubernetes, KEDA and the Prometheus operator', () => {
  it('take every object', () => {
    const all = [chart, helmTemplate(everything), ...overlays.map(([, objects]) => objects)].flat();
    expect(all.flatMap(problemsOf)).toEqual([]);
    const kinds = 'Deployment Service PodDisruptionBudget NetworkPolicy Namespace Secret ScaledObject';
    expect(new Set(all.map(({ kind }) => kind))).toEqual(
      new Set([...kinds.split(' '), 'ServiceMonitor', 'PrometheusRule']),
    );
  });

  it('take no other', () => {
    const objects = structuredClone(base);
    podOf(objects, 'bifrost-worker').terminationGracePeriodSeconds = '40' as never;
    expect(objects.flatMap(problemsOf)).toEqual([expect.stringContaining('terminationGracePeriodSeconds')]);
  });
});

describe('the chart', () => {
  it('is well-formed', () => {
    expect(helmLint()).toContain('0 chart(s) failed');
  });

  it.each(['worker.replica=3', 'worker.requiredGrade=E', 'settings.CONCURRENCY=8', 'workers.replicas=1'])(
    'refuses the value %s',
    (value) => {
      expect(() => helmTemplate([value])).toThrow(/values don't meet the specifications/);
    },
  );

  it('keeps releases in one namespace apart', () => {
    const names = helmTemplate([], 'next').map(nameOf);
    expect(names.filter((name) => chart.map(nameOf).includes(name))).toEqual([]);
    const { matchLabels } = workload(helmTemplate([], 'next'), 'next-worker').selector;
    expect(matchLabels).not.toEqual(workload(chart, 'bifrost-worker').selector.matchLabels);
  });

  it('hands settings on as text, whatever they look like', () => {
    const objects = helmTemplate(['settings.NETWORK=proxy', 'settings.NETWORK_ALLOW=a.example:8443']);
    for (const name of ['bifrost-worker', 'bifrost-api', 'bifrost-archive'])
      expect(podOf(objects, name).containers[0]?.env).toEqual(
        expect.arrayContaining([
          { name: 'NETWORK', value: 'proxy' },
          { name: 'NETWORK_ALLOW', value: 'a.example:8443' },
        ]),
      );
  });

  it('has no number of workers where KEDA decides', () => {
    expect(workload(chart, 'bifrost-worker').replicas).toBe(2);
    expect(workload(helmTemplate(everything), 'bifrost-worker').replicas).toBeUndefined();
  });
});

describe('every pod', () => {
  const pods = [...base, ...overlays.flatMap(([, objects]) => objects)]
    .filter(({ kind, metadata }) => kind === 'Deployment' && metadata.name.startsWith('bifrost'))
    .map((object) => [nameOf(object), (object.spec as Workload).template.spec] as const);

  it('keeps to the standard "restricted"', () => {
    expect(pods.length).toBe(10);
    for (const [name, pod] of pods) {
      expect([name, pod.securityContext]).toEqual([name, expect.objectContaining({ runAsNonRoot: true })]);
      for (const container of pod.containers)
        expect([name, container.securityContext]).toEqual([
          name,
          {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        ]);
    }
  });

  it('has settings that a worker takes, and the probes that it answers', () => {
    for (const [name, pod] of pods)
      for (const { env, livenessProbe, readinessProbe, startupProbe } of pod.containers) {
        expect(env.filter((one) => !(one.name in settingsSchema.shape))).toEqual([]);
        const secret = {
          REDIS_URL: 'redis://redis:6379',
          API_TOKEN: 'a-token-of-some-length',
          HOST: '0.0.0.0',
        };
        const given = Object.fromEntries(env.map((one) => [one.name, one.value ?? 'pod-1']));
        expect([name, parseSettings({ ...given, ...secret }).PORT]).toEqual([name, 3000]);
        for (const { httpGet } of [livenessProbe, readinessProbe, startupProbe])
          expect([httpGet.path, isProbe(httpGet.path)]).toEqual([httpGet.path, true]);
      }
  });

  it('has longer to end than its worker takes to drain', () => {
    for (const objects of [base, helmTemplate(['worker.drainSeconds=600'])]) {
      const pod = podOf(objects, 'bifrost-worker');
      const drain = pod.containers[0]?.env.find(({ name }) => name === 'DRAIN_TIMEOUT_SECONDS')?.value;
      expect(pod.terminationGracePeriodSeconds - Number(drain)).toBe(15);
    }
  });
});

describe('the scaling', () => {
  it.each([LENGTH_QUERY, WAIT_QUERY])('asks Prometheus %s', (query) => {
    const names: string[] = [];
    parser.parse(query).iterate({
      enter: ({ type, from, to }) => {
        expect([query, type.isError]).toEqual([query, false]);
        if (type.name === 'Identifier' && query.slice(from, to) !== 'vector')
          names.push(query.slice(from, to));
      },
    });
    const known = Object.values(METRICS).map(({ name }) => name);
    expect(names.length).toBe(1);
    expect(known).toContain(names[0]?.replace(/_bucket$/, ''));
  });
});

it('gives the Prometheus operator the rules that are generated from the metrics', () => {
  const rule = byName(helmTemplate(everything))['PrometheusRule/bifrost'];
  expect(rule?.spec).toEqual(parse(readFileSync(join(DEPLOY, 'prometheus', 'bifrost.rules.yml'), 'utf8')));
});

it('can be tried in a namespace where the standard "restricted" is enforced', () => {
  const [, objects] = overlays[2] as (typeof overlays)[number];
  expect(byName(objects)['Namespace/bifrost-try']?.metadata.labels).toEqual({
    'pod-security.kubernetes.io/enforce': 'restricted',
  });
  expect(byName(objects)['Secret/bifrost']).toBeDefined();
});
