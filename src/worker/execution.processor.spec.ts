import { beforeEach, describe, expect, it } from '@jest/globals';
import { DelayedError, type Job, WaitingError } from 'bullmq';
import { aDelivery, aJob, aTakenDelivery } from '../../test/support/deliveries.js';
import type { CancelRequest } from '../contract/cancellation.js';
import { CANARY } from '../contract/jobs/canary.js';
import type { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { unrunReport } from '../outcome/attempt-report.js';
import type { Attempt } from './attempt.js';
import type { DeliveryOpener } from './delivery-opener.js';
import type { Ending } from './ending.js';
import type { ExecutionPlaces, Place } from './lanes/execution-places.js';
import { ExecutionProcessor } from './execution.processor.js';
import type { HandBack } from './hand-back.js';
import type { TakeOutcome, Taker } from './taker.js';

const CANCEL: CancelRequest = { askedAt: '2026-03-01T10:00:00.000Z', reason: null };
const TAKEN: TakeOutcome = { kind: 'taken', delivery: aTakenDelivery() };

/** The steps that were gone through, in order. */
let steps: string[];
let disposed: boolean;

/** A place that says how it is left. */
const aPlace: Place = {
  during: async (run) => {
    try {
      return await run();
    } finally {
      steps.push(disposed ? 'leave, disposed of' : 'leave');
    }
  },
  belongsElsewhere: () => void steps.push('not ours'),
};

/** A step that does this. */
const step =
  <T>(name: string, does: () => T) =>
  (): Promise<T> => {
    steps.push(name);
    return Promise.try(does);
  };

interface Course {
  takesWork?: boolean;
  taken?: TakeOutcome;
  fault?: Error;
  /** What is asked for once the execution was to be freed. */
  cancel?: CancelRequest | null;
  /** Why there is no place for it; left out: there is one. */
  room?: 'held' | 'parked' | 'unknown';
  isCancelled?: boolean;
}

/** Processes a job whose steps answer so. */
function processJob(
  { takesWork = true, taken = TAKEN, fault, cancel = null, room, isCancelled = false }: Course,
  job: Job = aJob(),
): Promise<unknown> {
  const { stops } = aDelivery();
  const opened = aDelivery({ stops: { ...stops, [Symbol.dispose]: () => void (disposed = true) } });
  const processor = new ExecutionProcessor(
    { takesWork } as WorkerStateHolder,
    {
      open: () => opened,
      giveBack: step('give back its take', () => undefined),
    } as unknown as DeliveryOpener,
    {
      enter: () => Promise.resolve(room ? { kind: room } : { kind: 'place', place: aPlace }),
    } as unknown as ExecutionPlaces,
    { take: step('take', () => taken), giveBack: step('give back', () => !isCancelled) } as unknown as Taker,
    {
      run: step('run', () => {
        if (fault) throw fault;
        return unrunReport(null);
      }),
    } as unknown as Attempt,
    {
      end: step('end', () => 'ended'),
      repeat: step('repeat', () => 'repeated'),
      cancel: step('cancel', () => 'cancelled'),
    } as unknown as Ending,
    {
      toFront: step('to front', () => 'front'),
      later: step('later', () => 'later'),
      untilRoom: step('until room', () => 'until room'),
      untilChildren: step('until children', () => 'children'),
      free: step('free', () => cancel),
      unfinished: step('unfinished', () => 'unfinished'),
    } as unknown as HandBack,
  );
  return processor.process(job, 'token');
}

beforeEach(() => {
  steps = [];
  disposed = false;
});

describe('ExecutionProcessor', () => {
  it.each<[string, Course, unknown, string[]]>([
    ['takes, runs and ends', {}, 'ended', ['take', 'run', 'end', 'leave']],
    ['takes nothing while it drains', { takesWork: false }, 'front', ['give back its take', 'to front']],
    [
      'waits for children',
      { taken: { kind: 'children under way' } },
      'children',
      ['take', 'until children', 'leave'],
    ],
    [
      'leaves a tick whose turn it is not',
      { taken: { kind: 'not its turn' } },
      'later',
      ['take', 'later', 'leave'],
    ],
    [
      'leaves what runs elsewhere',
      { taken: { kind: 'elsewhere' } },
      'later',
      ['take', 'not ours', 'later', 'leave'],
    ],
    ['waits for a place', { room: 'held' }, 'until room', ['give back', 'until room']],
    [
      'ends without a place what runs no code',
      { room: 'held', isCancelled: true },
      'ended',
      ['give back', 'take', 'run', 'end'],
    ],
    [
      'ends what has its result',
      { taken: { kind: 'ended', repeat: 'standing', result: null } },
      'repeated',
      ['take', 'repeat', 'leave'],
    ],
    [
      'frees what met a fault',
      { fault: new Error('bug') },
      'unfinished',
      ['take', 'run', 'free', 'unfinished', 'leave'],
    ],
    [
      'ends what met a fault and is to be cancelled',
      { fault: new Error('bug'), cancel: CANCEL },
      'cancelled',
      ['take', 'run', 'free', 'cancel', 'leave'],
    ],
  ])('%s', async (_what, course, answer, gone) => {
    expect(await processJob(course)).toBe(answer);
    expect(steps).toEqual(gone);
    expect(disposed).toBe(course.takesWork !== false);
  });

  it('ends a canary without a step, and takes an execution of its id for one', async () => {
    expect(await processJob({}, aJob(CANARY))).toBeNull();
    expect(steps).toEqual([]);
    expect(await processJob({}, aJob({ id: CANARY.id, name: 'execute' }))).toBe('ended');
  });

  it.each([new WaitingError(), new DelayedError()])(
    'lets a decision through to BullMQ: %s',
    async (fault) => {
      await expect(processJob({ fault })).rejects.toBe(fault);
      expect(steps).toEqual(['take', 'run', 'leave']);
    },
  );
});
