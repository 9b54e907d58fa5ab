import type { Value } from './values.ts';

/** Labels that tell a release from every other in its namespace. */
export type Labels = Record<string, string>;

/**
 * How the objects come by what may differ: kustomize gets defaults and patches them, Helm gets templates. The objects are
 * written once, against this interface.
 */
export interface Renderer {
  /** The release: first part of every name. */
  readonly release: string;
  of<T>(value: Value<T>): T;
  /** A number with something added. */
  plus(value: Value<number>, more: number): number;
  /** As a string, for variables of the environment. */
  text(value: Value<string | number>): string;
  /** A map as variables of the environment, after those before it. */
  variables(value: Value<Record<string, string>>): { name: string; value: string }[];
  /** Labels with those of an operator after them. */
  merged(labels: Labels, value: Value<Labels>): Labels;
  /** One of two, by a switch. */
  either<T>(condition: Value<boolean>, yes: T, no: T): T;
  /** Left out while the switch is off. */
  only<T>(condition: Value<boolean>, of: T): T | undefined;
  /** Left out while the switch is on. */
  unless<T>(condition: Value<boolean>, value: Value<T>): T;
}

/** What the kustomize base has: every default. */
export const defaults: Renderer = {
  release: 'bifrost',
  of: ({ value }) => value,
  plus: ({ value }, more) => value + more,
  text: ({ value }) => String(value),
  variables: ({ value }) => Object.entries(value).map(([name, of]) => ({ name, value: of })),
  merged: (labels, { value }) => ({ ...labels, ...value }),
  either: ({ value }, yes, no) => (value ? yes : no),
  only: ({ value }, of) => (value ? of : undefined),
  unless: (_, { value }) => value,
};

const TOKEN = /⟦(\d+)⟧/g;
/** `- token`, `key: token`, `- key: token`, or `token: ""`. */
const ALONE = /^(\s*(?:- )?)(?:([^\s:"]+): )?"?⟦(\d+)⟧"?(?:: "")?$/;

/** What stands in the place of a token. */
interface Slot {
  kind: 'scalar' | 'block' | 'lines' | 'when';
  template: string;
  /** Text, which is quoted where it is a whole value. */
  isText?: boolean;
  condition?: string;
}

/**
 * Leaves tokens in the objects and turns them into templates in their text. A token that is a whole value is
 * typed by its default: text is quoted, maps and lists become blocks.
 */
export class HelmRenderer implements Renderer {
  readonly release: string;
  private readonly slots: Slot[] = [];

  constructor() {
    this.release = this.token({ kind: 'scalar', template: '.Release.Name', isText: true }) as string;
  }

  of<T>({ path, value }: Value<T>): T {
    return this.token(slotOf(`.Values.${path}`, value)) as T;
  }

  plus({ path }: Value<number>, more: number): number {
    return this.token({ kind: 'scalar', template: `add .Values.${path} ${more}` }) as number;
  }

  text({ path }: Value<string | number>): string {
    return this.token({ kind: 'scalar', template: `.Values.${path}`, isText: true }) as string;
  }

  variables({ path }: Value<Record<string, string>>): { name: string; value: string }[] {
    const template = [
      `{{- range $name, $value := .Values.${path} }}`,
      '- name: {{ $name }}',
      '  value: {{ $value | quote }}',
      '{{- end }}',
    ].join('\n');
    return [this.token({ kind: 'lines', template }) as { name: string; value: string }];
  }

  merged(labels: Labels, { path }: Value<Labels>): Labels {
    const template = [
      `{{- range $name, $value := .Values.${path} }}`,
      '{{ $name }}: {{ $value | quote }}',
      '{{- end }}',
    ].join('\n');
    return { ...labels, [this.token({ kind: 'lines', template }) as string]: '' };
  }

  either<T>({ path }: Value<boolean>, yes: T, no: T): T {
    const [then, otherwise] = [yes, no].map((of) => this.json(of));
    return this.token({
      kind: 'scalar',
      template: `if .Values.${path} }}${then}{{ else }}${otherwise}{{ end`,
    }) as T;
  }

  only<T>({ path }: Value<boolean>, of: T): T {
    return this.token({ kind: 'when', template: this.json(of), condition: `.Values.${path}` }) as T;
  }

  unless<T>(condition: Value<boolean>, { path, value }: Value<T>): T {
    const { template } = slotOf(`.Values.${path}`, value);
    return this.token({
      kind: 'when',
      template: `{{ ${template} }}`,
      condition: `not .Values.${condition.path}`,
    }) as T;
  }

  /** The YAML of an object with its tokens, as a template. */
  template(yaml: string, when?: Value<boolean>): string {
    const text = yaml
      .trimEnd()
      .split('\n')
      .map((line) => this.line(line))
      .join('\n');
    return when ? `{{- if .Values.${when.path} }}\n${text}\n{{- end }}\n` : `${text}\n`;
  }

  private line(line: string): string {
    const alone = ALONE.exec(line);
    if (alone) return this.alone(alone);
    if (!line.includes('⟦')) return line;
    const filled = line.replace(TOKEN, (_, index: string) => `{{ ${this.slot(index).template} }}`);
    // Part of a text: what is put in must not turn it into something else.
    return filled.replace(/^(\s*(?:- )?(?:[^\s:"]+: )?)([^"].*)$/, '$1"$2"');
  }

  private alone([, start = '', key, index = '']: RegExpExecArray): string {
    const { kind, template: bare, isText, condition } = this.slot(index);
    const template = isText ? `${bare} | quote` : bare;
    const indent = ' '.repeat(start.length);
    const before = key === undefined ? start : `${start}${key}: `;
    switch (kind) {
      case 'scalar':
        return `${before}{{ ${template} }}`;
      case 'block':
        return `${start}${key}:\n${indent}  {{- toYaml ${template} | nindent ${indent.length + 2} }}`;
      case 'lines':
        return template.replaceAll(/^/gm, start.replace('- ', ''));
      case 'when':
        return `${indent}{{- if ${condition} }}\n${before}${template}\n${indent}{{- end }}`;
    }
  }

  /** JSON is YAML on one line. */
  private json(of: unknown): string {
    return JSON.stringify(of).replaceAll(
      /"⟦(\d+)⟧"/g,
      (_, index: string) => `{{ ${this.slot(index).template} | quote }}`,
    );
  }

  private slot(index: string): Slot {
    const slot = this.slots[Number(index)];
    if (!slot) throw new Error(`there is no token ${index}`);
    return slot;
  }

  private token(slot: Slot): unknown {
    this.slots.push(slot);
    return `⟦${this.slots.length - 1}⟧`;
  }
}

function slotOf(template: string, value: unknown): Slot {
  if (typeof value === 'object') return { kind: 'block', template };
  if (typeof value === 'number') return { kind: 'scalar', template: `int ${template}` };
  return { kind: 'scalar', template, isText: typeof value === 'string' };
}
