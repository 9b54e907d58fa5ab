import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
const CHART = join(ROOT, 'deploy', 'helm', 'bifrost');
const KUBERNETES = join(ROOT, 'deploy', 'kubernetes');

/** Any object of a cluster, as far as the tests look into it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: unknown;
}

export const nameOf = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`;

/** What the chart comes to with these values: each is `path=value`, always text. @throws with what helm says. */
export function helmTemplate(values: readonly string[] = [], release = 'bifrost'): KubeObject[] {
  const set = values.flatMap((value) => ['--set', value]);
  return objectsOf(run('helm', ['template', release, CHART, '--namespace', 'bifrost', ...set]));
}

/** What helm finds wrong with the chart; it ends with an error for what is not only a hint. */
export const helmLint = (): string => run('helm', ['lint', '--strict', CHART]);

/** What a folder of deploy/kubernetes comes to. */
export const kustomize = (folder: string): KubeObject[] =>
  objectsOf(run('kubectl', ['kustomize', join(KUBERNETES, folder)]));

/** The same of the base with components. */
export function kustomizeWith(...components: string[]): KubeObject[] {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-kustomize-'));
  try {
    const from = relative(folder, KUBERNETES);
    const text = stringify({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [`${from}/base`],
      components: components.map((name) => `${from}/components/${name}`),
    });
    writeFileSync(join(folder, 'kustomization.yaml'), text);
    return objectsOf(run('kubectl', ['kustomize', folder]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where `npm test` leaves the programs; else those of PATH. */
function run(name: 'helm' | 'kubectl', args: string[]): string {
  const own = join(homedir(), '.cache', 'bifrost', 'cluster-tools', name);
  return execFileSync(existsSync(own) ? own : name, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const objectsOf = (text: string): KubeObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);

type Model = new (object: never) => { validate: () => void };
const MODELS: Readonly<Record<string, Model>> = {
  'apps/v1/Deployment': Deployment,
  'networking.k8s.io/v1/NetworkPolicy': NetworkPolicy,
  'policy/v1/PodDisruptionBudget': PodDisruptionBudget,
  'v1/Namespace': Namespace,
  'v1/Secret': Secret,
  'v1/Service': Service,
  'keda.sh/v1alpha1/ScaledObject': ScaledObject,
  'monitoring.coreos.com/v1/ServiceMonitor': ServiceMonitor,
  'monitoring.coreos.com/v1/PrometheusRule': PrometheusRule,
};

/** What the schema of its kind says is wrong with an object. */
export function problemsOf(object: KubeObject): string[] {
  const Model = MODELS[`${object.apiVersion}/${object.kind}`];
  if (!Model) return [`${nameOf(object)}: there is no model of ${object.apiVersion}`];
  try {
    new Model(object as never).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${(error as Error).message}`];
  }
}
