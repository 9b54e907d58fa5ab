import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Candidate, chooseLevel, NoIsolationError } from './choose-level.js';
import type { IsolationLevel } from './isolation-level.js';

beforeAll(() => Logger.overrideLogger(false));

const level = (name: 'namespace' | 'process'): Candidate => ({ name, level: { name } as IsolationLevel });
const BOTH = [level('namespace'), level('process')];
const NO_PAUSE = { firstPauseMs: 1 };

/** A proof of the level namespace that fails with these, one after the other, and then holds; what was tried. */
function proofThatFailsWith(...messages: string[]) {
  const tried: string[] = [];
  return {
    tried,
    prove: ({ name }: IsolationLevel): Promise<void> => {
      tried.push(name);
      const message = name === 'namespace' ? messages.shift() : undefined;
      return message === undefined ? Promise.resolve() : Promise.reject(new Error(message));
    },
  };
}

describe('chooseLevel', () => {
  it.each([
    'a runner was not ready within 10000 ms',
    'a runner did not answer within 10000 ms',
    'a runner could not be started: spawn bwrap EAGAIN',
    'a runner ended while it booted (exit code 1): bwrap: Creating new namespace failed: Resource temporarily unavailable',
    'a runner ended while it booted (SIGKILL)',
    'a runner ended while it booted (exit code 1)',
  ])('keeps to the stronger level after a failure that passed: %s', async (message) => {
    const { prove, tried } = proofThatFailsWith(message, message);
    const { level: chosen, passedOver } = await chooseLevel(BOTH, prove, NO_PAUSE);
    expect([chosen.name, passedOver, tried.length]).toEqual(['namespace', [], 3]);
  });

  it.each([
    'bwrap: No permissions to create a new namespace',
    'bwrap: setting up uid map: Permission denied',
    'bwrap: Creating new namespace failed: Operation not permitted',
    'spawn bwrap EACCES',
  ])('takes the next one at once where the kernel refuses, and says why: %s', async (message) => {
    const { prove, tried } = proofThatFailsWith(message);
    const { level: chosen, passedOver } = await chooseLevel(BOTH, prove, NO_PAUSE);
    expect([chosen.name, tried]).toEqual(['process', ['namespace', 'process']]);
    expect(passedOver).toEqual([expect.stringContaining(message)]);
  });

  it('takes the next one when every further try fails too, and says why', async () => {
    const { prove, tried } = proofThatFailsWith(...Array<string>(5).fill('EAGAIN'));
    const { level: chosen, passedOver } = await chooseLevel(BOTH, prove, NO_PAUSE);
    expect([chosen.name, tried.length]).toEqual(['process', 6]);
    expect(passedOver).toEqual([expect.stringMatching(/^namespace does not work here: EAGAIN/)]);
  });

  it.each([
    ['EAGAIN', true, 5],
    ['Operation not permitted', false, 1],
  ])('of a single level says whether it may work later: %s', async (message, mayPass, tries) => {
    const { prove, tried } = proofThatFailsWith(...Array<string>(5).fill(message));
    const choosing = chooseLevel([level('namespace')], prove, NO_PAUSE);
    await expect(choosing).rejects.toThrow(NoIsolationError);
    await expect(choosing).rejects.toMatchObject({ mayPass });
    expect(tried).toHaveLength(tries);
  });
});
