import { describe, expect, it } from '@jest/globals';
import { jsonTrouble } from './json-trouble.js';

function troubleOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return jsonTrouble(error);
  }
  throw new Error('it is JSON');
}

describe('jsonTrouble', () => {
  it.each([
    ['', 'unexpected end of JSON input'],
    ['\uFEFF{}', 'unexpected "\uFEFF" (it begins with a byte order mark)'],
    ['{"n": NaN}', 'unexpected "N" (NaN is no JSON)'],
    ['{"n": Infinity}', 'unexpected "I" (Infinity is no JSON)'],
    ['{"n": -Infinity}', 'no number after minus sign in JSON at position 7'],
    ['{"a": 1,}', 'expected double-quoted property name in JSON at position 8'],
    ['{a: 1}', "expected property name or '}' in JSON at position 1"],
    ['undefined', 'it is another text'],
  ])('says of %j: %s', (text, trouble) => {
    expect(troubleOf(text)).toBe(trouble);
  });

  it.each([
    'hunter2',
    '{"a":hunter2}',
    '{"a":"hunter2',
    '"a":"hunter2"',
    '["hunter2" "hunter2"]',
    "{'a':'hunter2'}",
  ])('repeats nothing of the text, which may hold secrets: %s', (text) => {
    expect(troubleOf(text)).not.toContain('hunter');
  });
});
