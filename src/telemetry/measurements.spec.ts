import { expect, it, jest } from '@jest/globals';
import { onMeasurement, emitMeasurement } from './measurements.js';

it('calls listeners until they stop', () => {
  const listener = jest.fn();
  const stop = onMeasurement('redis-error', listener);
  emitMeasurement('redis-error', { connection: 'patient' });
  emitMeasurement('redis-back', { connection: 'patient' });
  stop();
  emitMeasurement('redis-error', { connection: 'patient' });
  expect(listener.mock.calls).toEqual([[{ connection: 'patient' }]]);
});

it('goes on when a listener throws', () => {
  const second = jest.fn();
  const stops = [
    onMeasurement('result-retried', () => {
      throw new Error('no');
    }),
    onMeasurement('result-retried', second),
  ];
  expect(() => emitMeasurement('result-retried', {})).not.toThrow();
  expect(second).toHaveBeenCalledTimes(1);
  for (const stop of stops) stop();
});
