import { expect, it } from '@jest/globals';
import { ProgressPace } from './progress-pace.js';

const passed = (count: number, everyMs: number): number => {
  const pace = new ProgressPace();
  return Array.from({ length: count }, (_, index) => pace.isDue(5_000 + index * everyMs)).filter(Boolean)
    .length;
};

it('passes a thousand reports as they come', () => {
  expect(passed(1_000, 0)).toBe(1_000);
});

it('passes no more of many reports at once', () => {
  expect(passed(1_000_000, 0)).toBe(1_000);
});

it('passes reports again after a pause', () => {
  const pace = new ProgressPace();
  for (let report = 0; report < 5_000; report += 1) pace.isDue(0);
  expect([50, 100, 150, 200].map((nowMs) => pace.isDue(nowMs))).toEqual([false, true, false, true]);
});

it('passes a few thousand reports of a day', () => {
  expect(passed(864_000, 100)).toBeLessThan(10_000);
  expect(passed(864_000, 100)).toBeGreaterThan(2_000);
});
