import { describe, expect, it } from '@jest/globals';
import { type Consumption, Standstill } from './consumption-watch.js';

const STILL: Consumption = { takable: 3, taken: 7, ended: 7, room: 2 };

describe('a worker stands still', () => {
  it('when work waits, it has room, and it takes and ends nothing: the longer the more', () => {
    const standstill = new Standstill();
    expect([STILL, STILL, STILL].map((look) => standstill.note(look))).toEqual([0, 5_000, 10_000]);
  });

  it.each<[string, Consumption]>([
    ['nothing waits', { ...STILL, takable: 0 }],
    ['Redis does not answer', { ...STILL, takable: null }],
    ['it has no room', { ...STILL, room: 0 }],
    ['it has taken something', { ...STILL, taken: 8 }],
    ['it has ended something', { ...STILL, taken: 8, ended: 8 }],
  ])('not when %s, and then not before it stands for as long again', (_what, look) => {
    const standstill = new Standstill();
    for (let n = 0; n < 100; n++) standstill.note(STILL);
    expect(standstill.note(look)).toBe(0);
    standstill.note(STILL);
    expect(standstill.note(STILL)).toBeLessThanOrEqual(10_000);
  });
});
