import { expect, it } from '@jest/globals';
import { fromJsonc } from './jsonc.js';

it.each<[string, unknown]>([
  ['{"a":1}', { a: 1 }],
  ['\ufeff{"a":1}', { a: 1 }],
  ['// first\n{ /* "x": 1, */ "a": 1, // last\n}', { a: 1 }],
  ['{"a":[1,2,],}', { a: [1, 2] }],
  ['{"a":[1, // x\n /* y */ ],}', { a: [1] }],
  ['{"a":[], // "b": ["c"],\n "d": 1}', { a: [], d: 1 }],
  ['{"a":1, /* } */ "d": 1}', { a: 1, d: 1 }],
  ['{"url":"http://a//b /* no */ ,]"}', { url: 'http://a//b /* no */ ,]' }],
  ['{"q":"\\"// no"}', { q: '"// no' }],
])('reads %j', (text, value) => {
  expect(fromJsonc(text)).toEqual(value);
});

it.each(['', '{', '{"a":1,,}', '"open', '/* open'])('refuses %j', (text) => {
  expect(() => fromJsonc(text)).toThrow(SyntaxError);
});
