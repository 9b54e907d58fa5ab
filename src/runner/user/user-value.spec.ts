import { describe, expect, it } from '@jest/globals';
import { serializeValue } from './user-value.js';

const circular = (): unknown => {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
};
const throwing = (thrown: unknown) => ({
  toJSON() {
    throw thrown;
  },
});

describe('serializeValue', () => {
  it.each<[unknown, string]>([
    [undefined, 'null'],
    [null, 'null'],
    [0, '0'],
    [Number.NaN, 'null'],
    ['a"b', '"a\\"b"'],
    [[1, undefined], '[1,null]'],
    [{ a: undefined, b: new Date(0) }, '{"b":"1970-01-01T00:00:00.000Z"}'],
    [new Map([[1, 2]]), '{}'],
    [{ toJSON: () => 7 }, '7'],
  ])('%p', (value, json) => {
    expect(serializeValue(value, 100)).toEqual({ ok: true, json });
  });

  it.each<[string, unknown, RegExp]>([
    ['a function', () => 1, /a function has no JSON form/],
    ['a symbol', Symbol('s'), /a symbol has no JSON form/],
    ['a bigint', 1n, /a bigint has no JSON form/],
    ['a bigint inside', { n: [1n] }, /BigInt/],
    ['a circle', circular(), /circular/],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, /it has no JSON form/],
    ['a toJSON that throws an error', throwing(new Error('mine')), /mine/],
    ['a toJSON that throws something else', throwing('mine'), /its toJSON threw/],
  ])('refuses %s', (_, value, message) => {
    const serialized = serializeValue(value, 100);
    expect(serialized).toMatchObject({ ok: false, code: 'RESULT_NOT_SERIALIZABLE' });
    expect(serialized).toHaveProperty('message', expect.stringMatching(message));
  });

  it('refuses what is too large, and takes what just fits', () => {
    expect(serializeValue('x'.repeat(8), 10)).toEqual({ ok: true, json: '"xxxxxxxx"' });
    for (const value of ['x'.repeat(9), 'x'.repeat(11), [1, 2, 3, 4, 5, 6]]) {
      expect(serializeValue(value, 10)).toMatchObject({
        ok: false,
        code: 'OUTPUT_LIMIT',
        message: expect.stringContaining('10 bytes'),
      });
    }
  });

  it('refuses what no string can hold as too large', () => {
    const large = 'x'.repeat(2 ** 28);
    expect(serializeValue([large, large, large], 2 ** 30)).toMatchObject({ ok: false, code: 'OUTPUT_LIMIT' });
  });
});
