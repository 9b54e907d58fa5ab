import { describe, expect, it } from '@jest/globals';
import { PastNonces } from './past-nonces.js';

const KEPT = 4;

describe('past nonces', () => {
  it('knows none at first', () => {
    expect(new PastNonces(KEPT).has('n0')).toBe(false);
  });

  it('knows the newest ones after each, and never more than twice as many', () => {
    const past = new PastNonces(KEPT);
    const added: string[] = [];
    for (let count = 1; count <= 5 * KEPT; count += 1) {
      added.push(`n${count}`);
      past.add(`n${count}`);
      expect(added.slice(-KEPT).filter((nonce) => !past.has(nonce))).toEqual([]);
      expect(added.filter((nonce) => past.has(nonce)).length).toBeLessThanOrEqual(2 * KEPT);
    }
    expect(past.has('n1')).toBe(false);
  });
});
