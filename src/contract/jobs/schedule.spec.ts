import { describe, expect, it } from '@jest/globals';
import { idSchema } from '../ids.js';
import { isTickExecutionId, tickExecutionId, tickJobIdOf, tickOf } from './schedule.js';

describe('tickOf', () => {
  it('reads scheduler and time of the job of a scheduler, whatever its id holds', () => {
    const dueMs = 1795824000000;
    for (const schedule of ['nightly', 'a:b', 'repeat:x:5', 'ünï 夜'])
      expect(tickOf({ id: `repeat:${schedule}:${dueMs}`, repeatJobKey: schedule })).toEqual({
        schedule,
        dueMs,
      });
  });

  it.each([
    [{ id: 'repeat:nightly:1795824000000' }],
    [{ id: '7', repeatJobKey: 'nightly' }],
    [{ id: 'repeat:nightly:soon', repeatJobKey: 'nightly' }],
    [{ repeatJobKey: 'nightly' }],
  ])('finds none in %j', (job) => {
    expect(tickOf(job)).toBeNull();
  });
});

describe('tickExecutionId', () => {
  it('is readable, valid, and another one for every tick of every scheduler', () => {
    const long = 'x'.repeat(300);
    const schedules = ['nightly', 'a b', 'a_b', 'a{b}', 'ünï', long, `${long}y`];
    const ticks = schedules.flatMap((schedule) => [1000, 1001].map((dueMs) => ({ schedule, dueMs })));
    const ids = ticks.map(tickExecutionId);
    expect(ids[0]).toBe('nightly@1970-01-01T00:00:01.000Z');
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids)
      expect([idSchema.safeParse(id).success, isTickExecutionId(id)]).toEqual([true, true]);
    expect(['nightly', '1970-01-01T00:00:01.000Z', 'a@1970-01-01'].some(isTickExecutionId)).toBe(false);
  });

  it('leads back to the job', () => {
    expect(tickJobIdOf('nightly@1970-01-01T00:00:01.000Z')).toBe('repeat:nightly:1000');
    expect(tickJobIdOf('nightly')).toBeNull();
  });
});
