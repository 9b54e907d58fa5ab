import { z } from 'zod';
import { settingsSchema } from './settings.js';

interface RowMeta {
  about: string;
  unit?: string;
  fallback?: string;
  credential?: boolean;
}

interface RowJson {
  type?: string;
  enum?: string[];
  items?: RowJson;
  default?: string | number | boolean | string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
}

/** Renders `docs/configuration.md` from the settings schema, so that the page cannot say anything else. */
export function renderSettingsDocs(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const meta = schema.meta() as unknown as RowMeta;
    const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as RowJson;
    const file = meta.credential ? `or \`${name}_FILE\`` : '';
    const type = [typeOf(json), meta.unit, boundsOf(json), file].filter(Boolean).join(', ');
    return `| \`${name}\` | ${type} | ${defaultOf(meta, json)} | ${meta.about} |`;
  });
  return [
    '# Configuration',
    '',
    'Every setting is an environment variable. All are read once, at the start; what cannot be used is reported in one message and the worker exits with code 78. An empty variable counts as not set.',
    '',
    'Each may carry the prefix `BIFROST_`, which wins over the name without it. What holds credentials can come from a file, as orchestrators mount secrets: `API_TOKEN_FILE=/run/secrets/token`; a line break at its end does not count. A variable whose name is nearly that of a setting is remarked on in the log.',
    '',
    'This page is generated from `src/config/settings.ts` by `npm run docs`.',
    '',
    '| name | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  integer: 'whole number',
  number: 'number',
  boolean: '`true` or `false`',
  string: 'text',
};

function typeOf(json: RowJson): string {
  if (json.enum) return json.enum.map((value) => `\`${value}\``).join(', ');
  if (json.type === 'array') return `list of ${typeOf(json.items ?? {})}`;
  return TYPE_NAMES[json.type ?? 'string'] ?? 'text';
}

function boundsOf(json: RowJson): string {
  const { minimum, maximum = Number.MAX_SAFE_INTEGER, exclusiveMinimum, minLength = 0 } = json;
  if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum}`;
  if (minimum !== undefined) {
    return maximum < Number.MAX_SAFE_INTEGER ? `${minimum} to ${maximum}` : `at least ${minimum}`;
  }
  return minLength > 1 ? `at least ${minLength} characters` : '';
}

function defaultOf(meta: RowMeta, json: RowJson): string {
  if (meta.fallback) return meta.fallback;
  if (json.default === undefined) return 'none';
  return json.default === '' ? 'empty' : `\`${String(json.default)}\``;
}
