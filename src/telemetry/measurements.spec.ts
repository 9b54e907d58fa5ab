import { expect, it, jest } from '@jest/globals';
import { hear, tell } from './measurements.js';

it('tells those who listen, until they stop', () => {
  const listener = jest.fn();
  const stop = hear('redis-error', listener);
  tell('redis-error', { connection: 'patient' });
  tell('redis-back', { connection: 'patient' });
  stop();
  tell('redis-error', { connection: 'patient' });
  expect(listener.mock.calls).toEqual([[{ connection: 'patient' }]]);
});

it('goes on when a listener throws', () => {
  const second = jest.fn();
  const stops = [
    hear('result-retried', () => {
      throw new Error('no');
    }),
    hear('result-retried', second),
  ];
  expect(() => tell('result-retried', {})).not.toThrow();
  expect(second).toHaveBeenCalledTimes(1);
  for (const stop of stops) stop();
});
