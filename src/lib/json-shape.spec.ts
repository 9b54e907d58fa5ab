import { describe, expect, it } from '@jest/globals';
import { shapeOfJson, shapeOfValue } from './json-shape.js';

const NO_LIMITS = { depth: Infinity, keys: Infinity };

const CASES: [unknown, number, number][] = [
  [1, 0, 0],
  ['{[":"]}', 0, 0],
  [null, 0, 0],
  [[], 1, 0],
  [{}, 1, 0],
  [[[], [[]]], 3, 0],
  [{ a: 1, 'b"\\': { c: [{ d: '\\' }] } }, 4, 4],
  [['\\', '\\\\"', '"', '{'], 1, 0],
  [{ '\\': '\\', '\\"': '"\\"' }, 1, 2],
];

describe.each(CASES)('the value %j', (value, depth, keys) => {
  it('has its shape as text', () => {
    const json = JSON.stringify(value);
    expect(shapeOfJson(json)).toEqual({ depth, keys });
    expect(shapeOfJson(`[{:: ${json}`, 5)).toEqual({ depth, keys });
    expect(shapeOfJson(JSON.stringify(value, null, 2))).toEqual({ depth, keys });
  });

  it('has its shape when it is parsed', () => {
    expect(shapeOfValue(value, NO_LIMITS)).toEqual({ depth, keys });
  });
});

it('sees through a million levels', () => {
  const json = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
  expect(shapeOfJson(json).depth).toBe(1_000_000);
  expect(shapeOfValue(JSON.parse(json), { depth: 1000, keys: 0 }).depth).toBe(1001);
});

it('stops where there are too many keys', () => {
  const value = { a: { b: { c: { d: {} } } } };
  expect(shapeOfValue(value, { depth: 100, keys: 1 })).toEqual({ depth: 2, keys: 2 });
});

it.each(['"', '"\\', '{"a', ']]]]', '\\"', ''])('comes to an end with %j, which is no JSON', (text) => {
  expect(shapeOfJson(text).depth).toBeLessThanOrEqual(1);
});
