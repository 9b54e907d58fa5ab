import { describe, expect, it } from '@jest/globals';
import { hideSecrets, Snapshot, type SnapshotBounds } from './snapshot.js';

const BOUNDS: SnapshotBounds = { depth: 3, entries: 3, chars: 10, total: 1_000 };
const picture = (value: unknown, bounds: Partial<SnapshotBounds> = {}): unknown =>
  JSON.parse(new Snapshot({ ...BOUNDS, ...bounds }).take('it', value));

class Point {
  x = 1;
  get y(): number {
    throw new Error('called');
  }
}
const circular: Record<string, unknown> = { name: 'c' };
circular['self'] = circular;

describe('a snapshot', () => {
  it.each<[string, unknown, unknown]>([
    ['null', null, null],
    ['undefined', undefined, null],
    ['a number', 1.5, 1.5],
    ['minus infinity', -Infinity, '<-Infinity>'],
    ['a bigint', 12n, '12'],
    ['a symbol', Symbol('s'), '<Symbol(s)>'],
    ['a function', function named() {}, '<function named>'],
    ['a date', new Date(0), '1970-01-01… <14 more characters>'],
    ['a bad date', new Date(Number.NaN), '<Invalid Date>'],
    ['a pattern', /a/g, '/a/g'],
    ['numbers', new Float64Array([1.5, Number.NaN]), [1.5, '<NaN>']],
    ['long numbers', new BigInt64Array(2), ['0', '0']],
    ['many bytes', new Uint8Array(5), [0, 0, 0, '<2 more>']],
    ['a buffer', Buffer.from('ab'), { type: 'Buffer', data: [97, 98] }],
    ['an array buffer', new Uint8Array([1, 2]).buffer, [1, 2]],
    ['a shared one', new SharedArrayBuffer(1), [0]],
    ['a view', new DataView(new Uint8Array([1, 2, 3]).buffer, 1), [2, 3]],
    ['a URL', new URL('http://a/b'), 'http://a/b'],
    ['a query', new URLSearchParams({ a: '1' }), 'a=1'],
    ['what is no URL', Object.create(URL.prototype), '<cannot be read>'],
    ['objects around values', [new Number(1), new String('a'), new Boolean(false)], [1, 'a', false]], // oxlint-disable-line no-new-wrappers
    ['a promise', Promise.resolve(), '<Promise>'],
    ['a list', [1, , 3], [1, null, 3]], // oxlint-disable-line no-sparse-arrays
    ['a long list', [1, 2, 3, 4, 5], [1, 2, 3, '<2 more>']],
    ['a plain object', { a: 1, b: { c: 'd' } }, { a: 1, b: { c: 'd' } }],
    ['an object of no class', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['many properties', { a: 1, b: 2, c: 3, d: 4 }, { a: 1, b: 2, c: 3, '…': '<1 more>' }],
    ['an instance', new Point(), { '<class>': 'Point', x: 1 }],
    ['a map', new Map([['a', 1]]), [['a', 1]]],
    ['a set', new Set([1, 2, 3, 4]), [1, 2, 3, '<1 more>']],
    ['an error', new TypeError('no'), { name: 'TypeError', message: 'no' }],
    [
      'an error with more',
      Object.assign(new Error('no', { cause: new Error('why') }), { code: 'E', name: 'Mine' }),
      { message: 'no', cause: { name: 'Error', message: 'why' }, code: 'E', name: 'Mine' },
    ],
    [
      'gathered errors',
      Object.assign(new AggregateError([new Error('a')], 'b'), { name: 'Many' }),
      { message: 'b', errors: [{ name: 'Error', message: 'a' }], name: 'Many' },
    ],
    ['a circle', circular, { name: 'c', self: '<circular>' }],
    ['the depth', { a: { b: { c: { d: 1 } } } }, { a: { b: { c: '<Object>' } } }],
    [
      'what is secret',
      { api_key: 'x', Password: 'x', tokens: 2 },
      { api_key: '<redacted>', Password: '<redacted>', tokens: 2 },
    ],
    ['a secret in a map', new Map([['token', 'x']]), [['token', '<redacted>']]],
  ])('shows %s', (_, value, shown) => {
    expect(picture(value)).toEqual(shown);
  });

  it('calls neither getters nor toJSON nor traps', () => {
    let called = 0;
    const trap = (): never => {
      called += 1;
      throw new Error('called');
    };
    const handler = { get: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap };
    const value = {
      toJSON: trap,
      get property() {
        return trap();
      },
      proxy: new Proxy({}, handler),
      child: Object.create(new Proxy({}, handler)) as object,
      error: Object.create(Error.prototype, { message: { get: trap } }) as Error,
      map: Object.defineProperties(new Map([[1, 2]]), { entries: { value: trap }, size: { get: trap } }),
      address: Object.defineProperty(new URL('http://a/'), 'href', { get: trap }),
      thrown: Object.defineProperty(new Error('no'), 'name', { get: trap }),
    };
    expect(picture(value, { entries: 10 })).toEqual({
      toJSON: '<function trap>',
      property: '<getter>',
      proxy: '<Proxy>',
      child: {},
      error: { '<class>': 'Error' },
      map: [[1, 2]],
      address: 'http://a/',
      thrown: { message: 'no' },
    });
    expect(called).toBe(0);
  });

  it('stops at its budget, over all values together', () => {
    const snapshot = new Snapshot({ ...BOUNDS, chars: 1_000, total: 100 });
    const texts = ['a', 'b', 'c'].map((name) => snapshot.take(name, 'x'.repeat(80)));
    expect(texts.join('').length).toBeLessThan(250);
    expect(snapshot.isFull).toBe(true);
  });

  it('does not read far into what is huge', () => {
    const huge = Array.from({ length: 1_000 }, () => Array.from({ length: 1_000 }, () => 1));
    expect(JSON.stringify(picture(huge, { entries: 1_000, total: 5_000 })).length).toBeLessThan(8_000);
  });

  it('keeps no part of a secret where it cuts', () => {
    hideSecrets(['open sesame', '']);
    try {
      expect(picture(`12345open sesame${'x'.repeat(50)}`)).toBe('12345<reda… <56 more characters>');
      expect(picture('open sesame open sesame')).not.toMatch(/open|sesame/);
    } finally {
      hideSecrets([]);
    }
  });

  it('shows a variable by the name it has', () => {
    const snapshot = new Snapshot(BOUNDS);
    expect(snapshot.take('apiKey', 'sesame')).toBe('"<redacted>"');
    expect(snapshot.take('isSecret', true)).toBe('true');
  });
});
