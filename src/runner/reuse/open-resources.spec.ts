import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OpenResources } from './open-resources.js';

/** Node reports what has closed in the turns after. */
const TURNS = 3;

let resources: OpenResources;
beforeEach(() => {
  resources = new OpenResources();
  resources.watch();
});
afterEach(() => resources.stop());

/** Here, since whatever runs the test begins something of its own before it. */
const begin = (): void => resources.begin();

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

it('is quiet and still for code that begins nothing', async () => {
  begin();
  await Promise.resolve();
  process.nextTick(() => undefined);
  expect([resources.isQuiet, resources.isStill, resources.names()]).toEqual([true, true, []]);
});

it('names what is open until it has closed, whichever was opened first', async () => {
  begin();
  const timers = [setTimeout(() => undefined, 60_000), setInterval(() => undefined, 60_000).unref()];
  expect([resources.isQuiet, resources.isStill, resources.names()]).toEqual([false, false, ['Timeout']]);
  clearTimeout(timers[0]);
  await turns();
  expect(resources.isQuiet).toBe(false);
  clearInterval(timers[1]);
  await turns();
  expect([resources.isQuiet, resources.isStill]).toEqual([true, false]);
});

it('is quiet, but not still, while something runs later that keeps nothing open', () => {
  begin();
  const turn = setImmediate(() => undefined);
  expect([resources.isQuiet, resources.isStill]).toEqual([true, false]);
  clearImmediate(turn);
});

it('is still for a turn that is the own', () => {
  begin();
  resources.noteOwnTurn();
  const turn = setImmediate(() => undefined);
  expect(resources.isStill).toBe(true);
  clearImmediate(turn);
});

it('forgets what was open before an execution, and sees what the next one opens', async () => {
  begin();
  const before = setTimeout(() => undefined, 60_000);
  begin();
  expect([resources.isQuiet, resources.isStill]).toEqual([true, true]);
  const after = setTimeout(() => undefined, 60_000);
  clearTimeout(before);
  await turns();
  expect(resources.names()).toEqual(['Timeout']);
  clearTimeout(after);
  await turns();
  expect(resources.isQuiet).toBe(true);
});
