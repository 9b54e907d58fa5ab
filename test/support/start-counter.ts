import { afterAll, beforeAll } from '@jest/globals';
import { StartCounter } from '../../src/faults/start-counter.js';

export { StartCounter };

/** A counter for the suite that calls it. */
export function useStartCounter(): StartCounter {
  const counter = new StartCounter();
  beforeAll(() => counter.start());
  afterAll(() => counter.stop());
  return counter;
}
