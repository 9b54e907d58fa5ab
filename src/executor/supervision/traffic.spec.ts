import { expect, it } from '@jest/globals';
import { Traffic } from './traffic.js';

const OUTPUT_BYTES = 1_048_576;

/** How many frames of this kind an execution may send. */
function allowed(bytes: number, prints: boolean): number {
  const traffic = new Traffic(OUTPUT_BYTES);
  let frames = 0;
  while (!traffic.isTooMuch) {
    traffic.carry(bytes, prints);
    frames += 1;
  }
  return frames - 1;
}

it('lets code print 16 times what is kept', () => {
  const traffic = new Traffic(OUTPUT_BYTES);
  traffic.print(16 * OUTPUT_BYTES);
  expect(traffic.isTooMuch).toBe(false);
  traffic.print(1);
  expect(traffic.isTooMuch).toBe(true);
});

it('counts frames that print nothing', () => {
  expect(allowed(60, false)).toBe((16 * OUTPUT_BYTES + 4_194_304) / 1_024);
});

it('counts the bytes of frames, whatever they print', () => {
  expect(allowed(100_000, false)).toBe(allowed(100_000, true));
  expect(allowed(100_000, true)).toBeLessThan(1_000);
});

it('lets code print more than a hundred thousand short lines', () => {
  expect(allowed(140, true)).toBeGreaterThan(100_000);
});

it('leaves room for a report where almost no output is kept', () => {
  const traffic = new Traffic(1_024);
  traffic.carry(4_000_000, false);
  expect(traffic.isTooMuch).toBe(false);
});
