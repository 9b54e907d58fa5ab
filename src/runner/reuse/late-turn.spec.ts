import { beforeEach, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deliverBy, holdFrames, postFrame, releaseFrames, useNonce } from '../channel/channel.js';
import { LateTurn } from './late-turn.js';
import type { OpenResources } from './open-resources.js';

let lines: string[];
let resources: { isStill: boolean; ownTurns: number };
let late: LateTurn;
beforeEach(() => {
  lines = [];
  deliverBy((sent) => lines.push(sent));
  useNonce('n');
  resources = { isStill: true, ownTurns: 0 };
  const noteOwnTurn = (): void => void (resources.ownTurns += 1);
  late = new LateTurn(Object.assign(resources, { noteOwnTurn }) as unknown as OpenResources);
});

/** How many turns of the event loop pass until it is called back. */
async function turnsUntilDone(): Promise<number> {
  const seen = { isDone: false };
  late.whenNothingIsLate(() => (seen.isDone = true));
  let turns = 0;
  for (; !seen.isDone; turns += 1) await nextTurn();
  return turns;
}

it('sends what waits in the next turn, unless that is held for the result', async () => {
  postFrame('loaded', { loadMs: '1' });
  late.flush();
  expect(lines).toEqual([]);
  await nextTurn();
  expect(lines).toEqual(['n {"type":"loaded","loadMs":1}\n']);
  postFrame('loaded', { loadMs: '2' });
  late.flush();
  holdFrames();
  await nextTurn();
  expect(lines.length).toBe(1);
  releaseFrames();
  expect(lines.length).toBe(2);
});

it('takes the turn that is to come anyway for code that began nothing', async () => {
  late.flush();
  expect(await turnsUntilDone()).toBe(1);
  expect(resources.ownTurns).toBe(1);
});

it('takes a turn of its own where that has passed', async () => {
  late.flush();
  await nextTurn();
  expect(await turnsUntilDone()).toBe(1);
  expect(resources.ownTurns).toBe(2);
});

it('takes two for code that began something, also where it does so after its end', async () => {
  late.flush();
  resources.isStill = false;
  expect(await turnsUntilDone()).toBe(2);
  late = new LateTurn(Object.assign(resources, { isStill: true }) as unknown as OpenResources);
  late.flush();
  const waiting = turnsUntilDone();
  resources.isStill = false;
  expect(await waiting).toBe(2);
});
