import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DelayedError, type Job, WaitingError } from 'bullmq';
import { Cancellation, InterruptedError, Interruption } from '../executor/cancellation.js';
import { RunnerBootError } from '../executor/process/runner-spawn.js';
import type { JobRequest } from '../queue/parse-job.js';
import type { ExecutionLedger } from '../results/execution-ledger.js';
import { HandBack } from './hand-back.js';

Logger.overrideLogger(false);

/** What was asked of BullMQ and of the ledger, in order. */
let calls: unknown[][];
let broken: boolean;
const note =
  (name: string) =>
  (...args: unknown[]): Promise<void> => {
    calls.push([name, ...args]);
    return broken ? Promise.reject(new Error('away')) : Promise.resolve();
  };
const job = { id: '7', moveToWait: note('wait'), moveToDelayed: note('delay') } as unknown as Job;
const stops = {
  interruption: new Interruption(),
  cancellation: new Cancellation(),
  [Symbol.dispose]: () => undefined,
};
const delivery = { job, token: 'token', stops, request: { executionId: 'e-1' } as JobRequest };
const handBack = new HandBack({ free: note('free') } as unknown as ExecutionLedger);

beforeEach(() => {
  calls = [];
  broken = false;
  jest.spyOn(Date, 'now').mockReturnValue(10_000);
});

describe('HandBack', () => {
  it('returns a job to the queue at once', async () => {
    await expect(handBack.toFront(delivery)).rejects.toThrow(WaitingError);
    expect(calls).toEqual([['wait', 'token']]);
  });

  it('has a job looked at again in a second', async () => {
    await expect(handBack.later(delivery)).rejects.toThrow(DelayedError);
    expect(calls).toEqual([['delay', 11_000, 'token']]);
  });

  it.each<['held' | 'parked' | 'unknown', unknown[]]>([
    ['held', ['delay', Date.UTC(2038, 0, 1), 'token']],
    ['parked', ['wait', 'token']],
    ['unknown', ['delay', 11_000, 'token']],
  ])('returns a job without a place: %s', async (room, returned) => {
    await expect(handBack.untilRoom(delivery, room)).rejects.toThrow(
      returned[0] === 'wait' ? WaitingError : DelayedError,
    );
    expect(calls).toEqual([returned]);
  });

  it.each<[Error, boolean, unknown[]]>([
    [new InterruptedError('drain'), false, ['wait', 'token']],
    [new RunnerBootError('no memory'), false, ['delay', 11_000, 'token']],
    [new Error('bug'), true, ['delay', 11_000, 'token']],
  ])('after %s frees the execution first, counted: %s', async (fault, counted, returned) => {
    expect(await handBack.free(delivery, 1, fault)).toBeNull();
    await expect(handBack.unfinished(delivery, fault)).rejects.toThrow(
      returned[0] === 'wait' ? WaitingError : DelayedError,
    );
    expect(calls).toEqual([['free', 'e-1', { run: 1, counted }], returned]);
  });

  it('throws the same to BullMQ when Redis is away: the job comes back as stalled', async () => {
    broken = true;
    await expect(handBack.toFront(delivery)).rejects.toThrow(WaitingError);
    await expect(handBack.later(delivery)).rejects.toThrow(DelayedError);
    expect(await handBack.free(delivery, null, 'odd')).toBeNull();
    await expect(handBack.unfinished(delivery, 'odd')).rejects.toThrow(DelayedError);
    expect(calls.map(([name]) => name)).toEqual(['wait', 'delay', 'free', 'delay']);
  });
});
