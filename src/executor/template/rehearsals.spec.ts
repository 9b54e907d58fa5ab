import { expect, it } from '@jest/globals';
import type { RunnerProcess } from '../process/runner-process.js';
import { rehearsal, servesMany } from './rehearsals.js';

it.each([
  [0, true],
  [1, false],
  [599, false],
  [600, true],
])('runners that serve at most %s executions (0: any number) are optimized ahead: %s', (most, expected) => {
  expect(servesMany(most)).toBe(expected);
});

it('rehearses executions that have much and ones that have little, with every program', () => {
  const runner = { pid: 1, place: { scratch: '/scratch' } } as unknown as RunnerProcess;
  const seen = Array.from({ length: 12 }, (_, number) => {
    const { env, context, modules } = rehearsal(runner, number, true);
    const program = modules[0]?.source.slice(0, 30);
    return { env: Object.keys(env).length, caller: context.caller !== null, program };
  });
  expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(12);
});
