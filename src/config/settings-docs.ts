import { z } from 'zod';
import { settingsSchema } from './settings.js';

interface RowMeta {
  about: string;
  unit?: string;
  fallback?: string;
}

interface RowJson {
  type?: string;
  enum?: string[];
  default?: unknown;
}

/** Renders `docs/configuration.md` from the settings schema, so that the page cannot say anything else. */
export function renderSettingsDocs(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const meta = schema.meta() as unknown as RowMeta;
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as RowJson;
    const type = json.enum ? json.enum.map((value) => `\`${value}\``).join(', ') : (json.type ?? 'string');
    const unit = meta.unit ? `, ${meta.unit}` : '';
    return `| \`${name}\` | ${type}${unit} | ${defaultOf(meta, json)} | ${meta.about} |`;
  });
  return [
    '# Configuration',
    '',
    'Every setting is an environment variable. All are read once, at the start; what cannot be used is reported in one message and the worker exits with code 78. An empty variable counts as not set.',
    '',
    'This page is generated from `src/config/settings.ts` by `npm run docs`.',
    '',
    '| name | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function defaultOf(meta: RowMeta, json: RowJson): string {
  if (meta.fallback) return meta.fallback;
  if (json.default === undefined) return 'none';
  return json.default === '' ? 'empty' : `\`${String(json.default)}\``;
}
