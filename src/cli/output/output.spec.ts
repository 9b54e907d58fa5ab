import { describe, expect, it } from '@jest/globals';
import { asJson, asLines, plain } from './output.js';

describe('output', () => {
  it('is made harmless where it comes from outside', () => {
    expect(plain('a\u001b[31mb\u001b[0m\r\nc\u0007')).toBe('ab c ');
    expect(plain('für 日本')).toBe('für 日本');
    expect(plain('a\u202edecceeded\u2066b')).toBe('adecceededb');
  });

  it('ends its last line', () => {
    expect([asLines(''), asLines('a'), asLines('a\n')]).toEqual(['', 'a\n', 'a\n']);
  });

  it('shows documents with one field a line', () => {
    expect(asJson({ a: 1 })).toBe('{\n  "a": 1\n}\n');
  });
});
