import { describe, expect, it } from '@jest/globals';
import { hasPending, withoutPending } from './pending-values.js';

async function* numbers(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}

/** As query builders are: no promise, but awaited as one. */
class Query {
  // oxlint-disable-next-line unicorn/no-thenable -- what is tested
  then(done: (value: number) => void): void {
    done(3);
  }
}

describe('pending values', () => {
  it.each<[string, unknown, unknown]>([
    ['a promise', Promise.resolve(1), 1],
    ['a promise of a promise', { a: Promise.resolve([Promise.resolve(2)]) }, { a: [2] }],
    ['promises in a list', [1, 2].map((n) => Promise.resolve(n * 2)), [2, 4]],
    ['promises in a map', new Map([['a', Promise.resolve(1)]]), new Map([['a', 1]])],
    ['promises in a set', new Set([Promise.resolve(1)]), new Set([1])],
    ['an asynchronous generator', { list: numbers() }, { list: [1, 2] }],
    ['a thenable', [new Query()], [3]],
  ])('are found and waited for: %s', async (_what, value, settled) => {
    expect(hasPending(value)).toBe(true);
    expect(await withoutPending(value)).toEqual(settled);
  });

  const circle: unknown[] = [];
  circle.push(circle, { circle });
  it.each<[string, unknown]>([
    ['data', { a: [1, 'x', null, undefined], m: new Map([[1, 2]]) }],
    ['a circle', circle],
    [
      'a stream',
      {
        s: new (class {
          readable = true;
          async *[Symbol.asyncIterator]() {}
        })(),
      },
    ],
    ['a proxy', new Proxy({}, {})],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no');
        },
      },
    ],
  ])('are not there: %s', (_what, value) => {
    expect(hasPending(value)).toBe(false);
  });

  it('pass on what a promise is rejected with', async () => {
    await expect(withoutPending([Promise.reject(new Error('mine'))])).rejects.toThrow('mine');
  });

  it('are refused when they have no end', async () => {
    async function* endless(): AsyncGenerator<number> {
      for (;;) yield 1;
    }
    await expect(withoutPending(endless())).rejects.toThrow(/more than 10000 items/);
  });
});
