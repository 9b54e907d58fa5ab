import { describe, expect, it } from '@jest/globals';
import { isToken, newToken, tokenIdIn } from './token-text.js';

describe('a token', () => {
  it('names its record, and is recognized by its hash', () => {
    const { id, text, hash } = newToken();
    expect(text).toMatch(/^bifrost_[\w-]{12}_[\w-]{43}$/);
    expect(tokenIdIn(text)).toBe(id);
    expect(isToken(text, hash)).toBe(true);
    expect(hash).not.toContain(text.slice(-20));
  });

  it('is no other one', () => {
    const { text, hash } = newToken();
    const other = newToken();
    expect(isToken(other.text, hash)).toBe(false);
    expect(isToken(text.slice(0, 22) + other.text.slice(22), hash)).toBe(false);
    expect(isToken(text, '')).toBe(false);
  });

  it.each(['', 'bifrost_', 'bifrost_abcdefghijkl_short', `x${newToken().text}`, `${newToken().text} `])(
    'is not %j',
    (text) => expect(tokenIdIn(text)).toBeNull(),
  );
});
