import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isoTime } from './iso-time.js';

describe('isoTime', () => {
  it('writes what Date writes', () => {
    const moment = fc.date({ noInvalidDate: true }).map((date) => date.getTime());
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 2_000 }), (ms, later) => {
        fc.pre(ms + later <= 8.64e15);
        for (const each of [ms, ms + later, ms]) expect(isoTime(each)).toBe(new Date(each).toISOString());
      }),
    );
  });

  it('leaves out what is less than a millisecond', () => {
    expect(isoTime(1_764_000_000_999.9)).toBe(new Date(1_764_000_000_999.9).toISOString());
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15])('refuses %p', (ms) => {
    expect(() => isoTime(ms)).toThrow(RangeError);
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
  });
});
