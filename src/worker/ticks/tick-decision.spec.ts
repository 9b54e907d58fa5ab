import { describe, expect, it } from '@jest/globals';
import type { TickPolicy } from '../../contract/jobs/schedule.js';
import { decideTick, type DueTick, MOST_WAITING, type OpenTick, type TickState } from './tick-decision.js';

const NOW = 10_500;
const TICK: DueTick = { dueMs: 10_000, nextDueMs: 11_000, endMs: null, isExtra: false, isRepeated: false };
const running = (dueMs: number): OpenTick => ({ dueMs, state: 'run' });
const waiting = (dueMs: number): OpenTick => ({ dueMs, state: 'wait' });
const passed = (dueMs: number): OpenTick => ({ dueMs, state: 'skip' });

interface Case {
  policy?: Partial<TickPolicy>;
  tick?: Partial<DueTick>;
  standing?: TickState | null;
  others?: readonly OpenTick[];
}

const decide = ({ policy, tick, standing = null, others = [] }: Case) =>
  decideTick({ ...TICK, ...tick }, { overlap: 'allow', missed: 'one', ...policy }, standing, others, NOW);

const LATE = { nextDueMs: 10_400 };
const overlap = (name: TickPolicy['overlap']) => ({ overlap: name });
const missed = (name: TickPolicy['missed']) => ({ missed: name });

describe('decideTick', () => {
  it.each<[string, Case, TickState['state'], number[]?]>([
    ['allow runs beside others', { others: [running(9_000), waiting(9_500)] }, 'run'],
    ['skip runs alone', { policy: overlap('skip') }, 'run'],
    ['skip passes over beside one that runs', { policy: overlap('skip'), others: [running(9_000)] }, 'skip'],
    [
      'skip passes over beside a later one that runs',
      { policy: overlap('skip'), others: [running(11_000)] },
      'skip',
    ],
    [
      'skip does not mind one that was passed over',
      { policy: overlap('skip'), others: [passed(9_000)] },
      'run',
    ],
    ['queue waits for one that runs', { policy: overlap('queue'), others: [running(9_000)] }, 'wait'],
    [
      'queue waits for a later one that runs',
      { policy: overlap('queue'), others: [running(11_000)] },
      'wait',
    ],
    [
      'queue waits for one that waits since before',
      { policy: overlap('queue'), others: [waiting(9_000)] },
      'wait',
    ],
    [
      'queue goes before a later one that waits',
      { policy: overlap('queue'), others: [waiting(11_000)] },
      'run',
    ],
    [
      'queue passes over where too many wait',
      {
        policy: overlap('queue'),
        others: [running(1), ...Array.from({ length: MOST_WAITING }, (_, n) => waiting(n + 2))],
      },
      'skip',
    ],
    [
      'queue keeps one that waits already',
      {
        policy: overlap('queue'),
        standing: { state: 'wait', at: 10_001 },
        others: [running(1), ...Array.from({ length: MOST_WAITING }, (_, n) => waiting(n + 2))],
      },
      'wait',
    ],
    [
      'cancel ends those that run and waits for that',
      { policy: overlap('cancel'), others: [running(8_000), running(9_000), waiting(9_500)] },
      'wait',
      [8_000, 9_000],
    ],
    ['cancel runs where none runs', { policy: overlap('cancel'), others: [waiting(9_500)] }, 'run'],
    [
      'cancel gives way to a later one',
      { policy: overlap('cancel'), standing: { state: 'wait', at: 10_001 }, others: [waiting(11_000)] },
      'skip',
    ],
    ['missed: one runs the one that waits', { tick: LATE }, 'run'],
    ['missed: all runs it too', { policy: missed('all'), tick: LATE }, 'run'],
    ['missed: skip passes over', { policy: missed('skip'), tick: LATE }, 'skip'],
    ['missed: skip runs one whose next is not due', { policy: missed('skip') }, 'run'],
    ['missed: skip runs the last one', { policy: missed('skip'), tick: { nextDueMs: null } }, 'run'],
    [
      'missed: skip runs one that was asked for',
      { policy: missed('skip'), tick: { ...LATE, isExtra: true } },
      'run',
    ],
    [
      'missed: skip runs one that waited for the former since its time',
      { policy: { overlap: 'queue', missed: 'skip' }, tick: LATE, standing: { state: 'wait', at: 10_001 } },
      'run',
    ],
    ['after the end nothing runs', { tick: { endMs: 9_999 } }, 'skip'],
    ['at the end it runs', { tick: { endMs: 10_000 } }, 'run'],
    [
      'one that was passed over runs when it is repeated',
      { tick: { isRepeated: true }, standing: { state: 'skip', at: 9_000, reason: 'as it was' } },
      'run',
    ],
    [
      'a repeated one runs, whatever else does',
      {
        policy: { overlap: 'skip', missed: 'skip' },
        tick: { ...LATE, isRepeated: true },
        others: [running(1)],
      },
      'run',
    ],
  ])('%s', (_what, given, state, cancel = []) => {
    const decision = decide(given);
    expect(decision.tick).toMatchObject({ state, at: given.standing?.at ?? NOW });
    expect(decision.cancel).toEqual(cancel);
  });

  it.each<TickState>([
    { state: 'run', at: 1 },
    { state: 'skip', at: 1, reason: 'as it was' },
  ])('keeps to what was decided: $state', (standing) => {
    const policy = { overlap: 'skip', missed: 'skip' } as const;
    expect(decide({ policy, tick: LATE, standing, others: [running(1)] }).tick).toBe(standing);
  });
});
