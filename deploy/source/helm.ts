import { stringify } from 'yaml';
import { type Files, HEADER, rules } from './kustomize.ts';
import { type Manifest, monitor, objectsOf, ROLES, scaling } from './objects.ts';
import { HelmRenderer } from './renderer.ts';
import { type Value, VALUES, VERSION } from './values.ts';

type Tree = { [name: string]: Tree | Value<unknown> };

/** The folder deploy/helm/bifrost. */
export function helmFiles(): Files {
  const files: Files = {
    'Chart.yaml':
      HEADER +
      stringify({
        apiVersion: 'v2',
        name: 'bifrost',
        description: 'Workers that run JavaScript and TypeScript of others, from a BullMQ queue',
        type: 'application',
        version: VERSION,
        appVersion: VERSION,
        kubeVersion: '>=1.30.0-0',
      }),
    'values.yaml': valuesFile(),
    'values.schema.json': `${JSON.stringify(schema(), null, 2)}\n`,
    'rules.yml': rules(),
    'templates/prometheus-rule.yaml': PROMETHEUS_RULE,
    'templates/NOTES.txt': NOTES,
  };
  const by = new HelmRenderer();
  const add = (name: string, { object, when }: Manifest): void => {
    const text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
    files[`templates/${name}.yaml`] = HEADER + by.template(text, when);
  };
  for (const role of ROLES)
    for (const manifest of objectsOf(role, by)) add(`${role}-${manifest.file}`, manifest);
  for (const manifest of [scaling(by), monitor(by)]) add(manifest.file, manifest);
  return files;
}

/** Its expressions are in a file of their own: Prometheus has templates of the same form as Helm. */
const PROMETHEUS_RULE = `${HEADER}{{- if .Values.${VALUES.serviceMonitor.path} }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ .Release.Name | quote }}
  labels:
    app.kubernetes.io/name: bifrost
    app.kubernetes.io/instance: {{ .Release.Name | quote }}
    {{- range $name, $value := .Values.${VALUES.monitorLabels.path} }}
    {{ $name }}: {{ $value | quote }}
    {{- end }}
spec:
  {{- .Files.Get "rules.yml" | nindent 2 }}
{{- end }}
`;

const NOTES = `The API is at http://{{ .Release.Name }}-api.{{ .Release.Namespace }}.svc:3000

  kubectl -n {{ .Release.Namespace }} port-forward service/{{ .Release.Name }}-api 3000
  open http://127.0.0.1:3000

The grade of isolation that the workers came to:

  kubectl -n {{ .Release.Namespace }} logs deployment/{{ .Release.Name }}-worker | grep self-test
`;

function tree(): Tree {
  const root: Tree = {};
  for (const value of Object.values<Value<unknown>>(VALUES)) {
    const names = value.path.split('.');
    const last = names.pop() as string;
    let at = root;
    for (const name of names) at = (at[name] ??= {}) as Tree;
    at[last] = value;
  }
  return root;
}

const isValue = (of: Tree | Value<unknown>): of is Value<unknown> => typeof of['about'] === 'string';

function valuesFile(): string {
  const lines = (of: Tree, indent: string): string[] =>
    Object.entries(of).flatMap(([name, child]) => {
      if (!isValue(child)) return [`${indent}${name}:`, ...lines(child, `${indent}  `)];
      const text = stringify({ [name]: child.value }, { lineWidth: 0 }).trimEnd();
      return [`# ${child.about}`, ...text.split('\n')].map((line) => indent + line);
    });
  return `${HEADER}${lines(tree(), '').join('\n')}\n`;
}

/** Refuses values that there are not, so that a misspelled one does not pass in silence. */
function schema(): object {
  const of = (node: Tree | Value<unknown>): object => {
    if (isValue(node)) return { description: node.about, ...typeOf(node) };
    const properties = Object.fromEntries(Object.entries(node).map(([name, child]) => [name, of(child)]));
    return { type: 'object', additionalProperties: false, properties };
  };
  const { properties } = of(tree()) as { properties: object };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    additionalProperties: false,
    // Helm gives these to every chart.
    properties: { ...properties, global: { type: 'object' } },
  };
}

const MAPS_OF_TEXT: readonly Value<unknown>[] = [VALUES.settings, VALUES.nodeSelector, VALUES.monitorLabels];

function typeOf(node: Value<unknown>): object {
  const { value, choices } = node;
  if (choices) return { enum: choices };
  if (typeof value === 'number') return { type: 'integer', minimum: 0 };
  if (Array.isArray(value)) return { type: 'array', items: { type: 'object' } };
  if (MAPS_OF_TEXT.includes(node)) return { type: 'object', additionalProperties: { type: 'string' } };
  return { type: typeof value };
}
