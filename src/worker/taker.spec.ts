import { describe, expect, it } from '@jest/globals';
import { aDelivery, aJob, OUR_TURN } from '../../test/support/deliveries.js';
import { NO_CHILDREN } from '../contract/execution.js';
import type { ExecutionLedger } from '../results/execution-ledger.js';
import type { Turn } from '../results/turn.js';
import type { ResultPublisher } from '../results/result-publisher.js';
import type { Delivery } from './delivery.js';
import type { Family, FailedChild } from './flow-children.js';
import { Taker } from './taker.js';
import type { Admission, ScheduleTicks } from './ticks/schedule-ticks.js';

const CANCEL = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };
const CHILD: FailedChild = { jobId: '8', queue: 'q', executionId: 'e-8', error: 'no' };

/** A taker whose ledger answers with these turns, one after the other, and what was asked of it. */
const aTaker = (...turns: Turn[]) => aTakerOf({ kind: 'run' }, ...turns);

/** As {@link aTaker}, of the tick of a schedule. */
function aTakerOf(admission: Admission, ...turns: Turn[]) {
  const asked: unknown[][] = [];
  const ledger = {
    take: (...args: unknown[]) => {
      asked.push(['take', ...args]);
      return Promise.resolve(turns.shift());
    },
  };
  const results = {
    resend: () => {
      asked.push(['resend']);
      return Promise.resolve();
    },
  };
  const ticks = { admit: () => Promise.resolve(admission) };
  const taker = new Taker(
    ledger as unknown as ExecutionLedger,
    results as unknown as ResultPublisher,
    ticks as unknown as ScheduleTicks,
  );
  return { taker, asked };
}

const aTick = (): Delivery => {
  const delivery = aDelivery();
  return { ...delivery, request: { ...delivery.request, tick: { schedule: 's', dueMs: 1 } } };
};

const ofFamily = (changes: Partial<Family>): Pick<Delivery, 'before'> => ({
  before: Promise.resolve({
    generation: 4,
    family: { children: NO_CHILDREN, failed: null, pending: false, ...changes },
    turn: null,
  }),
});

describe('Taker', () => {
  it('asks for nothing while a tick waits for the former one', async () => {
    const { taker, asked } = aTakerOf({ kind: 'wait' });
    expect(await taker.take(aTick())).toEqual({ kind: 'not its turn' });
    expect(asked).toEqual([]);
  });

  it('takes a tick that is passed over, to end it', async () => {
    const { taker } = aTakerOf({ kind: 'passed over', reason: 'late' }, OUR_TURN);
    expect(await taker.take(aTick())).toMatchObject({ kind: 'taken', delivery: { passedOver: 'late' } });
  });

  it('asks for the execution of the job, with the mark of this delivery', async () => {
    const { taker, asked } = aTaker(OUR_TURN);
    const job = aJob({ data: { execution_id: 'e-2', again: true }, attemptsMade: 2, timestamp: 50 });
    const delivery = aDelivery({ job });
    const taken = await taker.take(delivery);
    const mark = { jobId: '7', addedAtMs: 50, ends: 2, stalls: 0 };
    expect(asked).toEqual([['take', 'e-2', 4, { mark, again: true }]]);
    expect(taken).toMatchObject({ kind: 'taken', delivery: { turn: OUR_TURN, run: 1, attempt: 1 } });
  });

  it.each<Turn>([{ kind: 'elsewhere' }, { kind: 'ended', repeat: 'redelivered', result: null }])(
    'takes nothing where the turn is %j',
    async (turn) => {
      expect(await aTaker(turn).taker.take(aDelivery())).toBe(turn);
    },
  );

  it('does not ask the ledger while children are under way', async () => {
    const { taker, asked } = aTaker();
    const delivery = aDelivery(ofFamily({ pending: true }));
    expect(await taker.take(delivery)).toEqual({ kind: 'children under way' });
    expect(asked).toEqual([]);
  });

  it('takes a parent that a child has failed, whatever the other children do; nothing is known of its wait', async () => {
    const delivery = aDelivery(ofFamily({ pending: true, failed: CHILD }));
    expect(await aTaker(OUR_TURN).taker.take(delivery)).toMatchObject({
      kind: 'taken',
      delivery: { family: { failed: CHILD }, times: { queue: null } },
    });
  });

  it('does not take again what came with the first command', async () => {
    const { taker, asked } = aTaker();
    const before = Promise.resolve({ generation: 4, family: null, turn: OUR_TURN });
    expect(await taker.take(aDelivery({ before }))).toMatchObject({ kind: 'taken', delivery: { run: 1 } });
    expect(asked).toEqual([]);
  });

  it('has the standing result sent also where the first command met it', async () => {
    const { taker, asked } = aTaker({ ...OUR_TURN, run: 2, because: 'retried' });
    const before = Promise.resolve({ generation: 4, family: null, turn: { kind: 'unsent' } as const });
    expect(await taker.take(aDelivery({ before }))).toMatchObject({ kind: 'taken', delivery: { run: 2 } });
    expect(asked.map(([what]) => what)).toEqual(['take']);
  });

  it('has the standing result sent before a further run takes its place', async () => {
    const { taker, asked } = aTaker({ kind: 'unsent' }, { ...OUR_TURN, run: 2, because: 'retried' });
    expect(await taker.take(aDelivery())).toMatchObject({ kind: 'taken', delivery: { run: 2 } });
    expect(asked.map(([what]) => what)).toEqual(['take', 'resend', 'take']);
  });

  it.each<[Turn, number]>([
    [{ ...OUR_TURN, attempt: 3, cancel: CANCEL }, 2],
    [{ ...OUR_TURN, attempt: 1, cancel: CANCEL }, 1],
    [{ kind: 'exhausted', run: 1, attempt: 2, starts: 2, cancel: CANCEL }, 1],
  ])('receives a request to cancel that was noted before: %j is no attempt', async (turn, attempt) => {
    const delivery = aDelivery();
    expect(await aTaker(turn).taker.take(delivery)).toMatchObject({ kind: 'taken', delivery: { attempt } });
    expect(delivery.stops.cancellation.request).toEqual(CANCEL);
  });

  it('fails with what could not be read ahead', async () => {
    const before = Promise.reject(new Error('away'));
    await expect(aTaker(OUR_TURN).taker.take(aDelivery({ before }))).rejects.toThrow('away');
  });
});
