import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OwnGetter } from './own-getter.js';

const sizeOf = new OwnGetter<'size', number>('size');

describe('a getter that objects share', () => {
  it('reads of each object what was given to it', () => {
    const one = sizeOf.put({ name: 'one' }, () => 1);
    const two = sizeOf.put({ name: 'two' }, () => 2);
    expect([one.size, two.size]).toEqual([1, 2]);
    const [first, second] = [one, two].map((object) => Object.getOwnPropertyDescriptor(object, 'size'));
    expect(first).toEqual(second);
    expect(first).toMatchObject({ set: undefined, enumerable: true, configurable: true });
  });

  it('is a property as any other: it is listed, copied, inherited and seen through a proxy', () => {
    const object = sizeOf.put({ name: 'a' }, () => 3);
    expect(Object.keys(object)).toEqual(['name', 'size']);
    expect({ ...object }).toEqual({ name: 'a', size: 3 });
    expect((Object.create(object) as typeof object).size).toBe(3);
    expect(new Proxy(object, {}).size).toBe(3);
    expect(() => ((object as { size: number }).size = 4)).toThrow(TypeError);
  });

  it('reads nothing for a proxy of an object that is no longer kept', () => {
    const object = sizeOf.put({}, () => 5);
    const proxy = new Proxy(object, {});
    sizeOf.forget();
    expect([object.size, proxy.size]).toEqual([5, undefined]);
  });

  it('is given to objects also where code has given every object a `value`', () => {
    const prototype = Object.prototype as { value?: unknown };
    prototype.value = 'polluted';
    try {
      expect(sizeOf.put({}, () => 6).size).toBe(6);
    } finally {
      delete prototype.value;
    }
  });

  it('keeps no object until a full collection of garbage', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
    setFlagsFromString('--no-expose-gc');
    const make = (): unknown => {
      const reached = Array.from({ length: 1_000 }, () => 0);
      return sizeOf.put({ reached }, () => reached.length);
    };
    collect({ type: 'major' });
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 20; round++) {
      for (let each = 0; each < 100; each++) make();
      collect({ type: 'minor' });
    }
    // All of them have 16 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
  });
});
