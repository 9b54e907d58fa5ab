import { describe, expect, it } from '@jest/globals';
import { after, begin, orElse, type Soon } from './soon.js';

describe('a value that may be there already', () => {
  it('is not waited for where it is', () => {
    expect(after<number, number>(2, (value) => value * 3)).toBe(6);
    expect(begin(() => 4)).toBe(4);
  });

  it('is waited for where it is not', async () => {
    const later = after<number, number>(Promise.resolve(2), (value) => value * 3);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toBe(6);
  });

  it('has something instead where it cannot be come by', async () => {
    expect(orElse(5, () => 0)).toBe(5);
    expect(await orElse(Promise.resolve(5), () => 0)).toBe(5);
    expect(await orElse(Promise.resolve(1).then(fail), (error) => (error as Error).message.length)).toBe(2);
  });

  it.each<[string, () => Soon<number>]>([
    ['at once', () => fail()],
    ['later', () => Promise.resolve(1).then(fail)],
  ])('that fails %s is met where it is awaited', async (_when, start) => {
    const begun = begin(start);
    // Nothing awaits it yet: a rejection without a handler would end the process of the test.
    await new Promise(setImmediate);
    await expect(begun).rejects.toThrow('no');
  });
});

function fail(): never {
  throw new Error('no');
}
