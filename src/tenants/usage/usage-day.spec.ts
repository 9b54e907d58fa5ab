import { describe, expect, it } from '@jest/globals';
import { usageCsv } from '../../contract/tenants/usage-csv.js';
import { countedOf, dayIn, dayOf, endOfDay, FIELDS, fieldsOf, rowsOf, usageRow } from './usage-day.js';

describe('usage of a day', () => {
  it('is kept by organization, whatever its id has in it', () => {
    const ids = ['b', 'a:b', ':'];
    const values = Object.fromEntries(
      ids.flatMap((id, at) => fieldsOf(id).map((field) => [field, String(at)])),
    );
    const rows = rowsOf('2026-11-28', { ...values, [`${FIELDS.cpuMs}b`]: '1500' });
    expect(rows.map(({ organization }) => organization)).toEqual([':', 'a:b', 'b']);
    expect(rows[2]).toEqual({
      day: '2026-11-28',
      organization: 'b',
      executions: 0,
      cpu_seconds: 1.5,
      network_bytes: 0,
      artifact_bytes: 0,
    });
  });

  it('begins and ends with the day of UTC', () => {
    const time = '2026-11-28T23:59:59.999Z';
    const ms = Date.parse(time);
    expect(dayIn(time)).toBe(dayOf(ms));
    expect([dayOf(ms), new Date(endOfDay(ms)).toISOString()]).toEqual([
      '2026-11-28',
      '2026-11-29T00:00:00.000Z',
    ]);
  });

  it('is written as CSV that no spreadsheet takes for a formula', () => {
    const row = (organization: string) =>
      usageRow('2026-11-28', organization, countedOf(['1', '2000', '3', '4']));
    expect(usageCsv([row('a,"b"'), row('=1+1')])).toBe(
      [
        'day,organization,executions,cpu_seconds,network_bytes,artifact_bytes',
        '2026-11-28,"a,""b""",1,2,3,4',
        "2026-11-28,'=1+1,1,2,3,4",
        '',
      ].join('\r\n'),
    );
  });
});
