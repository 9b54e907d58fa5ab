import { describe, expect, it } from '@jest/globals';
import type { ExecutionResult } from '../contract/result.js';
import {
  type DeliveryMark,
  type EndedMark,
  judgeRepeat,
  markText,
  parseMark,
  relationOf,
} from './delivery-identity.js';

const mark = (changes: Partial<DeliveryMark> = {}): DeliveryMark => ({
  jobId: '7',
  addedAtMs: 1000,
  ends: 0,
  stalls: 0,
  ...changes,
});
const ended = (changes: Partial<EndedMark> = {}): EndedMark => ({
  ...mark(changes),
  attemptOnly: false,
  ...changes,
});
const ENDED = ended({ ends: 2, stalls: 1 });
const ATTEMPT = ended({ ends: 1, stalls: 1, attemptOnly: true });

describe('what a delivery is to the one that ended with the result', () => {
  it.each<[string, EndedMark | null, DeliveryMark, string]>([
    ['its worker died before BullMQ recorded the end', ENDED, mark({ ends: 2, stalls: 2 }), 'redelivered'],
    ['two workers died, one after the other', ENDED, mark({ ends: 2, stalls: 3 }), 'redelivered'],
    ['job.retry()', ENDED, mark({ ends: 3, stalls: 1 }), 'retried'],
    ['job.retry(), and a worker died before it looked', ENDED, mark({ ends: 3, stalls: 2 }), 'retried'],
    ['job.retry() that resets the attempts', ENDED, mark({ ends: 0, stalls: 1 }), 'retried'],
    ['the same where the first attempt had ended it', ended(), mark(), 'retried'],
    ['a worker that was frozen before it asked wakes up', ENDED, mark({ ends: 2 }), 'redelivered'],
    ['the same, of an attempt before', ENDED, mark({ ends: 1 }), 'redelivered'],
    ['the worker of a first attempt died', ended(), mark({ stalls: 1 }), 'redelivered'],
    [
      'an attempt failed, and meanwhile a frozen worker ended it',
      ATTEMPT,
      mark({ ends: 2, stalls: 1 }),
      'redelivered',
    ],
    ['the same, and BullMQ never recorded the attempt', ATTEMPT, mark({ ends: 1, stalls: 2 }), 'redelivered'],
    ['the id was removed and added again', ENDED, mark({ addedAtMs: 2000 }), 'another job'],
    ['the same, and then it failed once', ENDED, mark({ addedAtMs: 2000, ends: 3 }), 'another job'],
    ['a job of another id', null, mark(), 'another job'],
    ['a job of another id that has failed once', null, mark({ ends: 1 }), 'another job'],
  ])('%s', (_what, ended, now, relation) => {
    expect(relationOf(ended, now, true)).toBe(relation);
  });

  it('is a retry where a former version kept no marks, and BullMQ has counted an end', () => {
    expect(relationOf(null, mark({ ends: 1 }), false)).toBe('retried');
    expect(relationOf(null, mark(), false)).toBe('another job');
  });

  it('survives the ledger', () => {
    expect(parseMark('7', markText(ENDED))).toEqual(ENDED);
    expect(parseMark('7', markText(ATTEMPT, { attemptOnly: true }))).toEqual(ATTEMPT);
    expect(parseMark('7', null)).toBeNull();
  });
});

type Result = Pick<ExecutionResult, 'status' | 'attempt' | 'failure' | 'metrics'>;
const failed = (code: string, changes: Partial<Result> = {}) =>
  ({
    status: 'failed',
    attempt: 1,
    failure: { code, message: '', stack: null, evidence: {} },
    metrics: {},
    ...changes,
  }) as Result;
const ran = { metrics: { run_ms: 5 } };
const succeeded: Result = { status: 'succeeded', attempt: 1, failure: null, ...ran };

describe('what is done with it', () => {
  it.each([true, false])('a redelivery is the same run, asked for again: %s', (again) => {
    for (const result of [succeeded, failed('INVALID_JOB'), null])
      expect(judgeRepeat('redelivered', { again, result })).toEqual({ kind: 'redelivered' });
  });

  it('a retry by hand is a further run', () => {
    for (const result of [succeeded, failed('USER_ERROR', ran)])
      expect(judgeRepeat('retried', { again: false, result })).toEqual({
        kind: 'further run',
        because: 'retried',
      });
  });

  it('another job runs it where it asks for that', () => {
    expect(judgeRepeat('another job', { again: true, result: succeeded })).toEqual({
      kind: 'further run',
      because: 'asked for',
    });
  });

  it.each<[string, Result | null, boolean]>([
    ['a success', succeeded, false],
    ['a failure of the code', failed('USER_ERROR', ran), false],
    ['a refused job', failed('INVALID_JOB'), true],
    ['a context that was not there', failed('CONTEXT_NOT_FOUND'), true],
    ['a child that failed', failed('CHILD_FAILED'), true],
    ['code that did not compile', failed('USER_ERROR', { metrics: { prepare_ms: 3 } }), true],
    ['a context that was gone at the second attempt', failed('CONTEXT_NOT_FOUND', { attempt: 2 }), false],
    ['workers that died', failed('STALLED_OUT'), false],
    ['a fault of the worker', failed('INTERNAL'), false],
    ['a cancellation before the start', failed('CANCELLED', { status: 'cancelled' }), false],
    ['a result that was deleted', null, false],
  ])('after %s another job runs it: %s', (_what, result, runs) => {
    const repeat = judgeRepeat('another job', { again: false, result });
    expect(repeat).toEqual(runs ? { kind: 'further run', because: 'nothing ran' } : { kind: 'standing' });
  });
});
