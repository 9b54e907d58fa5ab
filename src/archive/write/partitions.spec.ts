import { describe, expect, it } from '@jest/globals';
import { boundsOf, expiredMonths, monthOf, monthsAhead } from './partitions.js';

describe('months', () => {
  it('are those of UTC', () => {
    expect(monthOf('2026-11-30T23:59:59.999Z')).toBe('2026-11');
    expect(monthOf(new Date('2026-12-01T00:00:00+01:00'))).toBe('2026-11');
  });

  it('begin with their first day and end with that of the next', () => {
    expect(boundsOf('2026-09')).toEqual(['2026-09-01T00:00:00Z', '2026-10-01T00:00:00Z']);
    expect(boundsOf('2026-12')).toEqual(['2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z']);
    expect(boundsOf('0999-12')).toEqual(['0999-12-01T00:00:00Z', '1000-01-01T00:00:00Z']);
  });

  it('are made ahead over the end of a year', () => {
    expect(monthsAhead(new Date('2026-11-30T12:00:00Z'), 3)).toEqual(['2026-11', '2026-12', '2027-01']);
  });

  it('expire when their last moment is old enough', () => {
    const age = 30 * 86_400_000;
    const months = ['2026-08', '2026-09', '2026-10'];
    expect(expiredMonths(months, new Date('2026-10-31T00:00:00Z'), age)).toEqual(['2026-08', '2026-09']);
    expect(expiredMonths(months, new Date('2026-10-30T23:59:59Z'), age)).toEqual(['2026-08']);
  });
});
