import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS, type MetricRow } from './metric-table.js';
import { renderMetricsDocs } from './metrics-docs.js';

const rows = Object.values<MetricRow>(METRICS);

describe('the table of metrics', () => {
  it('is what docs/metrics.md shows; "npm run docs" writes it', () => {
    const file = join(import.meta.dirname, '..', '..', 'docs', 'metrics.md');
    expect(readFileSync(file, 'utf8')).toBe(renderMetricsDocs());
  });

  it('follows the naming rules of Prometheus', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const { name, type, unit, buckets } of rows) {
      expect(name).toMatch(/^bifrost_[a-z_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (unit === 'seconds') expect(name).toMatch(/_seconds(_total)?$/);
      expect([name, buckets !== undefined]).toEqual([name, type === 'histogram']);
    }
  });
});
