import { expect, it } from '@jest/globals';
import { ByteLru } from './byte-lru.js';

it('forgets what was used longest ago when it is full', () => {
  const cache = new ByteLru<string>(30);
  for (const key of ['a', 'b', 'c']) cache.set(key, key, 10);
  cache.get('a');
  cache.set('d', 'd', 10);
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual(['a', undefined, 'c', 'd']);
  expect(cache.bytes).toBe(30);
});

it('does not empty itself for a value that cannot fit', () => {
  const cache = new ByteLru<string>(30);
  cache.set('a', 'a', 10);
  cache.set('large', 'x', 31);
  expect(cache.get('large')).toBeUndefined();
  expect(cache.get('a')).toBe('a');
});

it('counts a replaced value once', () => {
  const cache = new ByteLru<string>(30);
  cache.set('a', 'a', 20);
  cache.set('a', 'b', 10);
  expect([cache.bytes, cache.size, cache.get('a')]).toEqual([10, 1, 'b']);
});
