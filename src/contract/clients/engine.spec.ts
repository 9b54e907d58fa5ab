import { describe, expect, it } from '@jest/globals';
import { aFailure, aResult } from '../../../test/support/results.js';
import { poolControlSchema } from '../control.js';
import {
  endUpdate,
  engineStatus,
  executionUpdateSchema,
  toWaitedResult,
  waitedResultSchema,
} from './engine.js';

describe('engineStatus', () => {
  it.each([
    [aResult(), 'Success'],
    [aResult({ result: { success: false } }), 'CompletedWithErrors'],
    [aResult({ result: { success: 0 } }), 'Success'],
    [aFailure(), 'Failed'],
    [aFailure({ status: 'timed_out' }), 'Timeout'],
    [aFailure({ status: 'cancelled' }), 'Cancelled'],
  ])('names the end as the engine does (%#)', (result, status) => {
    expect(engineStatus(result)).toBe(status);
  });
});

it('a waiting caller gets what the engine would have pushed', () => {
  const waited = toWaitedResult(aResult({ result: [1] }));
  expect(waited).toEqual({ status: 'Success', result: [1], error: null, error_type: null, duration_ms: 13 });
  expect(waitedResultSchema.parse(waited)).toEqual(waited);
  expect(toWaitedResult(aFailure())).toMatchObject({ status: 'Failed', error: 'no', error_type: 'Error' });
});

it('an update of the end has the value of a success, or the error', () => {
  const updates = [endUpdate(aResult({ result: 7 })), endUpdate(aFailure())];
  expect(updates).toEqual([
    { type: 'execution_update', executionId: 't-1', status: 'Success', result: 7, durationMs: 13 },
    { type: 'execution_update', executionId: 't-1', status: 'Failed', error: 'no', errorType: 'Error' },
  ]);
  expect(updates.map((update) => executionUpdateSchema.parse(update))).toEqual(updates);
});

describe('a command to a pool', () => {
  it('is one of ours', () => {
    expect(poolControlSchema.parse({ action: 'recycle_all', reason: 'install' })).toEqual({
      command: 'recycle',
    });
    expect(poolControlSchema.parse({ action: 'recycle_process', pid: 7 })).toEqual({
      command: 'recycle_runner',
      pid: 7,
    });
  });

  it.each([{ action: 'stop' }, { action: 'recycle_process' }, 'recycle_all'])('may not be %j', (message) => {
    expect(poolControlSchema.safeParse(message).success).toBe(false);
  });
});
