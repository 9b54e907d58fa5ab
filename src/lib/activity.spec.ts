import { describe, expect, it } from '@jest/globals';
import { Activity } from './activity.js';

describe('Activity', () => {
  it('counts what is under way', () => {
    const activity = new Activity();
    {
      using _one = activity.enter();
      using _two = activity.enter();
      expect(activity.count).toBe(2);
    }
    expect(activity.count).toBe(0);
  });

  it('resolves every waiter when the last has ended', async () => {
    const activity = new Activity();
    const [one, two] = [activity.enter(), activity.enter()];
    let idle = 0;
    const waiting = [1, 2].map(() => activity.whenIdle().then(() => (idle += 1)));
    one[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(0);
    two[Symbol.dispose]();
    await Promise.all(waiting);
    expect(idle).toBe(2);
  });

  it('is idle at once while nothing is under way', async () => {
    await expect(new Activity().whenIdle()).resolves.toBeUndefined();
  });

  it('ends what threw', () => {
    const activity = new Activity();
    expect(() => {
      using _ = activity.enter();
      throw new Error('no');
    }).toThrow('no');
    expect(activity.count).toBe(0);
  });
});
