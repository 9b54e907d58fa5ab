import { afterEach, expect, it, jest } from '@jest/globals';
import { Ownership } from './ownership.service.js';

afterEach(() => void jest.useRealTimers());

function ownershipOf(find: () => Promise<unknown>): Ownership {
  const results = { find: () => Promise.resolve(null) };
  const none = {} as never;
  return new Ownership(results as never, { find } as never, none, none, none, none);
}

it('believes whose events an execution has for a while: its id may be used again by others', async () => {
  jest.useFakeTimers();
  const find = jest.fn(() => Promise.resolve({ organization: { id: 'acme' } }));
  const ownership = ownershipOf(find);
  expect(await ownership.ofEvent('e-1')).toBe('acme');
  find.mockResolvedValue({ organization: { id: 'other' } });
  jest.advanceTimersByTime(5_000);
  expect([await ownership.ofEvent('e-1'), find.mock.calls.length]).toEqual(['acme', 1]);
  jest.advanceTimersByTime(10_000);
  expect([await ownership.ofEvent('e-1'), find.mock.calls.length]).toEqual(['other', 2]);
});
