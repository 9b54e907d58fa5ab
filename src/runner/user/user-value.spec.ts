import { describe, expect, it } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
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

function* endless(): Generator<number> {
  for (let n = 0; ; n++) yield n;
}
function* broken(): Generator<number> {
  yield 1;
  throw new Error('broken');
}

describe('serializeValue', () => {
  it.each<[unknown, string]>([
    [undefined, 'null'],
    [null, 'null'],
    [0, '0'],
    [Number.NaN, 'null'],
    ['a"b', '"a\\"b"'],
    [[1, undefined], '[1,null]'],
    [{ a: undefined, b: new Date(0) }, '{"b":"1970-01-01T00:00:00.000Z"}'],
    [{ toJSON: () => 7 }, '7'],
    [{ toJSON: (key: string) => key }, '""'],
    [{ a: { toJSON: () => [1] } }, '{"a":[1]}'],
    [{ toJSON: () => new Map([['a', 1]]) }, '[["a",1]]'],
    [1n, '"1"'],
    [{ n: [1n] }, '{"n":["1"]}'],
    [new Map<unknown, unknown>([['a', new Set([1])]]), '[["a",[1]]]'],
    [new Set(['a', undefined]), '["a",null]'],
    [/a+/g, '"/a+/g"'],
    [new Date(Number.NaN), 'null'],
    [new URL('http://a/b?c'), '"http://a/b?c"'],
    [new URLSearchParams({ a: '1', b: '2' }), '"a=1&b=2"'],
    [new Headers({ A: '1', b: '2' }), '{"a":"1","b":"2"}'],
    [new Uint8Array([1, 2]), '[1,2]'],
    [new BigInt64Array([1n]), '["1"]'],
    [new Uint8Array([3]).buffer, '[3]'],
    [Buffer.from('a'), '{"type":"Buffer","data":[97]}'],
    [[Object('boxed'), Object(1)], '["boxed",1]'],
    [[1, 2].values().map((n) => n * 2), '[2,4]'],
    [JSON.parse('{"__proto__":{"a":1},"constructor":2}'), '{"__proto__":{"a":1},"constructor":2}'],
    [{ big: { n: 1n }, ['__proto__']: 1 }, '{"big":{"n":"1"},"__proto__":1}'],
    [{ keep: 1, drop: () => 1, [Symbol('s')]: 2 }, '{"keep":1}'],
    [Object.create(null), '{}'],
  ])('%p', (value, json) => {
    expect(serializeValue(value, 100)).toEqual({ ok: true, json });
  });

  it.each<[string, unknown, RegExp]>([
    ['a stream', { body: Readable.from(['a']) }, /\.body: a stream has no JSON form; read it/],
    ['a stream to write to', new PassThrough(), /a stream has no JSON form/],
    ['a function', () => 1, /a function has no JSON form/],
    ['a symbol', Symbol('s'), /a symbol has no JSON form/],
    ['a circle', circular(), /\.self: .*circular/],
    ['a function in a list', { a: [1, () => 1] }, /: \.a\[1\]: a function has no JSON form/],
    ['an object of functions', { job: { run() {} } }, /\.job: it has nothing but functions/],
    ['a promise', { 'a b': [Promise.resolve()] }, /: \["a b"\]\[0\]: a promise that was not waited for/],
    [
      'a class without data',
      {
        x: new (class Job {
          #n = 1;
          n() {
            return this.#n;
          }
        })(),
      },
      /\.x: an instance of Job/,
    ],
    ['a response', [new Response('x')], /\[0\]: an instance of Response/],
    ['a weak map', new WeakMap(), /an instance of WeakMap/],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no');
        },
      },
      /reading a failed: no/,
    ],
    ['an iterator without end', endless(), /more than 10000 items/],
    ['an iterator that throws', broken(), /reading it failed: broken/],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, /it has no JSON form/],
    ['a toJSON that throws an error', throwing(new Error('mine')), /mine/],
    ['a toJSON that throws something else', throwing('mine'), /its toJSON threw/],
  ])('refuses %s', (_, value, message) => {
    const serialized = serializeValue(value, 100);
    expect(serialized).toMatchObject({ ok: false, code: 'RESULT_NOT_SERIALIZABLE' });
    expect(serialized).toHaveProperty('message', expect.stringMatching(message));
  });

  it('gives an error with its fields, cause and gathered errors', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 7 });
    const serialized = serializeValue({ error, all: new AggregateError([error], 'both') }, 1e6);
    const { json } = serialized as { json: string };
    const shown = { name: 'TypeError', message: 'no', stack: expect.any(String), code: 7 };
    expect(JSON.parse(json)).toMatchObject({
      error: { ...shown, cause: { message: 'why' } },
      all: { message: 'both', errors: [shown] },
    });
  });

  it('refuses what is too large, and takes what just fits', () => {
    expect(serializeValue('x'.repeat(8), 10)).toEqual({ ok: true, json: '"xxxxxxxx"' });
    expect(serializeValue('äääx', 9)).toEqual({ ok: true, json: '"äääx"' });
    for (const value of ['x'.repeat(9), 'x'.repeat(11), [1, 2, 3, 4, 5, 6], 'ääääx', '\u20ac\u20ac\u20ac']) {
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
