import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { FILTER_ROWS } from '../../contract/history/fields.js';
import { defineHistory } from './history-commands.js';
import { type FilterOptions, filterQuery, momentOf } from './history-options.js';
import { barOf } from '../output/progress-bar.js';
import { statisticsTable } from './stats.js';

const unused = (): never => {
  throw new Error('no command runs here');
};

const NOW = new Date('2026-11-21T12:00:00.000Z');

describe('moments', () => {
  it.each([
    ['2026-11-20', '2026-11-20'],
    ['24h', '2026-11-20T12:00:00.000Z'],
    ['7d', '2026-11-14T12:00:00.000Z'],
    ['1.5m', '2026-11-21T11:58:30.000Z'],
    // The API says what is wrong with it.
    ['yesterday', 'yesterday'],
  ])('%s is %s', (text, expected) => {
    expect(momentOf('--since', text, NOW)).toBe(expected);
  });

  it('that never were are refused by the name of the option', () => {
    expect(() => momentOf('--since', '99999999999999w', NOW)).toThrow('--since');
  });
});

describe('filters', () => {
  it('become the query of the API', () => {
    expect(filterQuery({ status: 'failed', minDuration: '1.5s', text: 'a b' })).toEqual({
      status: 'failed',
      min_duration_ms: '1500',
      text: 'a b',
    });
    expect(filterQuery({ minDuration: '2' })).toEqual({ min_duration_ms: '2000' });
    expect(() => filterQuery({ minDuration: 'long' })).toThrow('--min-duration');
  });

  it('are options of history and export, each under its own name in the query', () => {
    const rows = FILTER_ROWS.filter(([, { option }]) => option !== undefined);
    expect(rows.length).toBeGreaterThan(5);
    for (const [name, { option = '', match }] of rows) {
      const [flag = ''] = option.split(' ');
      const value = match === 'at least' ? '7ms' : 'x';
      for (const command of ['history', 'export']) {
        const program = new Command();
        defineHistory(program, unused, unused);
        const defined = program.commands.find((one) => one.name() === command);
        defined?.parseOptions([flag, value]);
        const query = filterQuery(defined?.opts() as FilterOptions);
        expect([flag, query]).toEqual([flag, { [name]: match === 'at least' ? '7' : value }]);
      }
    }
  });
});

describe('the progress bar', () => {
  it('is as wide at the end as at the beginning', () => {
    const states = [barOf(0, 1000), barOf(499, 1000), barOf(1000, 1000)];
    expect(new Set(states.map((state) => state.length)).size).toBe(1);
    expect(states[1]).toContain(' 49 %  499/1000');
    expect(barOf(0, 0)).toContain('100 %');
  });
});

describe('the table of statistics', () => {
  it('has the columns that the groups have', () => {
    const groups = [{ status: 'failed', executions: 2, duration_ms: { mean: 1500, p50: 12, p95: 90_000 } }];
    expect(statisticsTable({ from: '', to: '', percentile_error: 0.02, groups })).toBe(
      'STATUS  EXECUTIONS  MEAN   P50    P95\nfailed  2           1.5 s  12 ms  1 m 30 s\n',
    );
  });
});
