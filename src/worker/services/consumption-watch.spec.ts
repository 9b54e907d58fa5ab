import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { WorkerSettings } from '../../config/slices.js';
import { CANARY } from '../../contract/jobs/canary.js';
import type { WorkerStateHolder } from '../../heartbeat/worker-state.js';
import { Activity } from '../../lib/activity.js';
import type { WorkQueueGauge } from '../../queue/work-queue-gauge.js';
import type { WorkerLease } from '../../results/worker-lease.js';
import type { ExecutionProcessor } from '../execution.processor.js';
import { Canary } from './canary.js';
import { type Consumption, ConsumptionWatch, Standstill } from './consumption-watch.js';

Logger.overrideLogger(false);

const STILL: Consumption = { takable: 3, taken: 7, ended: 7, room: 2 };

describe('a worker stands still', () => {
  it('when work waits, it has room, and it takes and ends nothing: the longer the more', () => {
    const standstill = new Standstill();
    expect([STILL, STILL, STILL].map((look) => standstill.note(look))).toEqual([0, 5_000, 10_000]);
  });

  it.each<[string, Consumption]>([
    ['nothing waits', { ...STILL, takable: 0 }],
    ['Redis does not answer', { ...STILL, takable: null }],
    ['it has no room', { ...STILL, room: 0 }],
    ['it has taken something', { ...STILL, taken: 8 }],
    ['it has ended something', { ...STILL, taken: 8, ended: 8 }],
  ])('not when %s, and then not before it stands for as long again', (_what, look) => {
    const standstill = new Standstill();
    for (let n = 0; n < 100; n++) standstill.note(STILL);
    expect(standstill.note(look)).toBe(0);
    standstill.note(STILL);
    expect(standstill.note(STILL)).toBeLessThanOrEqual(10_000);
  });
});

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('ConsumptionWatch', () => {
  /** Jobs that wait; null: Redis does not answer. */
  let takable: number | null;
  /** Whether Redis takes writes. */
  let takesWrites: boolean;
  let placed: unknown[][];
  let activity: Activity;
  let watch: ConsumptionWatch;
  /** What becomes of a job that is put on the queue. */
  let add: () => Promise<unknown>;

  const watchWith = (canaryMs: number): ConsumptionWatch => {
    const settings = { concurrency: 4, canaryMs } as WorkerSettings;
    const queue = {
      add: (...args: unknown[]) => {
        placed.push(args);
        return add();
      },
    };
    return new ConsumptionWatch(
      {
        takable: () => (takable === null ? Promise.reject(new Error('away')) : Promise.resolve(takable)),
      } as WorkQueueGauge,
      { activity } as ExecutionProcessor,
      { takesWork: true } as WorkerStateHolder,
      new Canary(queue as never, settings),
      {
        get isRenewed() {
          return takesWrites;
        },
      } as WorkerLease,
      settings,
    );
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    takable = 0;
    takesWrites = true;
    placed = [];
    activity = new Activity();
    add = () => Promise.resolve((takable = 1));
    watch = watchWith(MINUTE_MS);
    watch.start();
  });
  afterEach(() => {
    watch.stop();
    jest.useRealTimers();
  });

  it('never asks for a restart because Redis is away for an hour, whatever waited before', async () => {
    takable = 3;
    await pass(MINUTE_MS);
    expect(watch.standstillMs).toBeGreaterThan(0);
    takable = null;
    for (let minute = 0; minute < 60; minute++) {
      await pass(MINUTE_MS);
      expect(watch.standstillMs).toBe(0);
    }
    expect(placed).toEqual([]);
    takable = 3;
    await pass(MINUTE_MS);
    expect(watch.standstillMs).toBeLessThanOrEqual(MINUTE_MS);
  });

  it('never asks for a restart because Redis refuses to write, so that nothing can be taken', async () => {
    takable = 3;
    takesWrites = false;
    await pass(HOUR_MS);
    expect(watch.standstillMs).toBe(0);
    takesWrites = true;
    await pass(3 * MINUTE_MS);
    expect(watch.standstillMs).toBeGreaterThan(2 * MINUTE_MS);
  });

  it('puts a canary on the queue of an idle worker, and sees when it is not taken', async () => {
    await pass(MINUTE_MS);
    expect(placed).toEqual([[CANARY.name, {}, expect.objectContaining({ jobId: CANARY.id })]]);
    await pass(3 * MINUTE_MS);
    expect(watch.standstillMs).toBeGreaterThan(2 * MINUTE_MS);
    expect(placed).toHaveLength(1);
  });

  it('never stands still where canaries are taken, and puts another one there after as long again', async () => {
    add = () => Promise.resolve(activity.enter()[Symbol.dispose]());
    for (let minute = 0; minute < 60; minute++) {
      await pass(MINUTE_MS);
      expect(watch.standstillMs).toBe(0);
    }
    expect(placed.length).toBeGreaterThan(50);
  });

  it('puts none there while it works, nor a second one while Redis has not taken the first', async () => {
    const running = activity.enter();
    await pass(HOUR_MS);
    expect(placed).toEqual([]);
    running[Symbol.dispose]();
    add = () => new Promise(() => undefined);
    await pass(HOUR_MS);
    expect(placed).toHaveLength(1);
  });

  it('puts none there where it is not asked to', async () => {
    watch.stop();
    watch = watchWith(0);
    watch.start();
    await pass(HOUR_MS);
    expect(placed).toEqual([]);
  });
});
