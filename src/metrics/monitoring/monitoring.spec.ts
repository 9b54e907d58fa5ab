import { describe, expect, it } from '@jest/globals';
import { parser } from '@prometheus-io/lezer-promql';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { METRICS, type MetricRow, PROCESS_PREFIX } from '../metric-table.js';
import { ALERT_RULES, RECORDING_RULES } from './alert-rules.js';
import { dashboard } from './dashboard.js';
import { rulesFile } from './rules-file.js';

const DEPLOY = join(import.meta.dirname, '..', '..', '..', 'deploy');

interface Panel {
  title: string;
  targets?: { expr: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
}
const panels = (): Panel[] => (dashboard() as { panels: Panel[] }).panels;
const queries = (): string[] => [
  ...panels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...[...ALERT_RULES, ...RECORDING_RULES].map(({ expr }) => expr),
];

/** Names of metrics in a query, with the labels that each is selected or grouped by; null: it is no query. */
function readQuery(query: string): { names: string[]; labels: string[] } | null {
  const found = { names: [] as string[], labels: [] as string[] };
  let valid = true;
  parser.parse(query).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) valid = false;
      const text = query.slice(from, to);
      if (type.name === 'Identifier' && text !== 'vector') found.names.push(text);
      if (type.name === 'LabelName') found.labels.push(text);
    },
  });
  return valid ? found : null;
}

const rows = new Map(Object.values<MetricRow>(METRICS).map((row) => [row.name, row]));
const rowOf = (name: string): MetricRow | undefined =>
  rows.get(name) ?? rows.get(name.replace(/_bucket$/, ''));

describe('the queries of dashboard and rules', () => {
  it.each(queries())('%s is one of PromQL over metrics and labels that there are', (query) => {
    const read = readQuery(query);
    expect(read).not.toBeNull();
    const { names, labels } = read as { names: string[]; labels: string[] };
    expect(names.length).toBeGreaterThan(0);
    const known = new Set<string>(['instance', 'le']);
    for (const name of names) {
      const isOfProcess = /^(process|nodejs)_/.test(name.slice(PROCESS_PREFIX.length));
      expect([name, rowOf(name) !== undefined || isOfProcess]).toEqual([name, true]);
      for (const label of rowOf(name)?.labels ?? []) known.add(label);
    }
    expect(labels.filter((label) => !known.has(label))).toEqual([]);
  });

  it('never sum what every process reports alike', () => {
    for (const query of queries())
      for (const { name, shared } of rows.values())
        if (shared) expect(query).not.toMatch(new RegExp(String.raw`sum[^()]*(?:\([^()]*\)\s*)?\(${name}`));
  });

  it('are read by a parser that sees what is none', () => {
    expect(readQuery('sum(rate(bifrost_executions_total[5m])')).toBeNull();
    expect(readQuery('sum by (x) (up)')).toEqual({ names: ['up'], labels: ['x'] });
  });
});

describe('the alerts', () => {
  it('have one name each, and say what is wrong and what to do', () => {
    expect(new Set(ALERT_RULES.map(({ alert }) => alert)).size).toBe(ALERT_RULES.length);
    for (const { annotations } of ALERT_RULES) {
      expect(annotations.summary).toMatch(/^[A-Z][^.]+$/);
      expect(annotations.description.length).toBeGreaterThan(40);
    }
  });
});

describe('the files', () => {
  it('of deploy/ are what is generated; "npm run docs" writes them', () => {
    expect(parse(readFileSync(join(DEPLOY, 'prometheus', 'bifrost.rules.yml'), 'utf8'))).toEqual(rulesFile());
    expect(JSON.parse(readFileSync(join(DEPLOY, 'grafana', 'bifrost.json'), 'utf8'))).toEqual(dashboard());
  });

  it('lay panels out without one above another', () => {
    const cells = panels().flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels()) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});
