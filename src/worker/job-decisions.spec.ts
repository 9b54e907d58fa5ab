import { describe, expect, it } from '@jest/globals';
import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import { FAILURE_CODES, type FailureCode } from '../contract/failure.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { CompilerUnavailableError } from '../compile/compile-error.js';
import { InterruptedError } from '../executor/cancellation.js';
import { refusedOutcome } from '../outcome/outcome.js';
import { RunnerBootError } from '../executor/process/runner-spawn.js';
import {
  AttemptFailedError,
  isDecided,
  isEnvironmental,
  mayRetry,
  outcomeOfError,
  refused,
  stalledOut,
} from './job-decisions.js';

const NOW = new Date(0);
const failed = (code: FailureCode) =>
  refusedOutcome({ code, message: 'no' }, { startedAt: NOW, finishedAt: NOW });
const succeeded = () => ({ ...failed('INTERNAL'), success: true, failure: null });
const job = (attemptsMade: number, attempts?: number) => ({
  attemptsMade,
  opts: attempts === undefined ? {} : { attempts },
});

const FINAL: FailureCode[] = [
  'INVALID_JOB',
  'CONTEXT_NOT_FOUND',
  'CHILD_FAILED',
  'CANCELLED',
  'PACKAGE_REFUSED',
  'COMPILE_LIMIT',
  'STALLED_OUT',
  'INTERNAL',
];

describe('mayRetry', () => {
  it.each(FAILURE_CODES)('%s is not tried again unless the job asks for attempts', (code) => {
    expect(mayRetry(job(0), failed(code))).toBe(false);
    expect(mayRetry(job(0, 1), failed(code))).toBe(false);
  });

  it.each(FAILURE_CODES.filter((code) => !FINAL.includes(code)))(
    '%s is tried again as often as the job asks for',
    (code) => {
      expect(mayRetry(job(0, 3), failed(code))).toBe(true);
      expect(mayRetry(job(1, 3), failed(code))).toBe(true);
      expect(mayRetry(job(2, 3), failed(code))).toBe(false);
    },
  );

  it.each(FINAL)('%s is never tried again', (code) => {
    expect(mayRetry(job(0, 10), failed(code))).toBe(false);
  });

  it('leaves a success alone', () => {
    expect(mayRetry(job(0, 10), succeeded())).toBe(false);
  });
});

describe('outcomeOfError', () => {
  it('turns a refusal into its outcome at once', () => {
    const refusal = new Refusal('CONTEXT_NOT_FOUND', 'no context', 'execution_id');
    expect(outcomeOfError(refusal, 1)).toMatchObject({
      success: false,
      status: 'failed',
      error: 'no context',
      error_type: 'ContextNotFound',
      failure: { code: 'CONTEXT_NOT_FOUND', evidence: { field: 'execution_id' } },
    });
  });

  it("throws a fault of the worker's own in the first attempt", () => {
    const fault = new Error('disk full');
    expect(() => outcomeOfError(fault, 1)).toThrow(fault);
  });

  it.each([new Error('disk full'), 'disk full'])('ends with INTERNAL in the second attempt: %s', (fault) => {
    expect(outcomeOfError(fault, 2)).toMatchObject({
      error: 'The worker failed 2 times: disk full',
      failure: { code: 'INTERNAL' },
    });
  });

  it.each([
    new InterruptedError('drain'),
    new RunnerBootError('no memory'),
    new CompilerUnavailableError('no memory'),
  ])('never makes %s the result of an execution', (fault) => {
    expect(() => outcomeOfError(fault, 99)).toThrow(fault);
  });
});

describe('the kinds of errors', () => {
  it.each([
    new WaitingError(),
    new DelayedError(),
    new UnrecoverableError('no'),
    new AttemptFailedError(failed('USER_ERROR')),
  ])('%s is a decision', (error) => {
    expect(isDecided(error)).toBe(true);
    expect(isEnvironmental(error)).toBe(false);
  });

  it.each([new InterruptedError('x'), new RunnerBootError('x')])('%s is environmental', (error) => {
    expect(isEnvironmental(error)).toBe(true);
    expect(isDecided(error)).toBe(false);
  });

  it.each([new Error('x'), new Refusal('INTERNAL', 'x'), 'x', undefined])('%s is neither', (error) => {
    expect([isDecided(error), isEnvironmental(error)]).toEqual([false, false]);
  });
});

describe('outcomes of executions that did not run', () => {
  it('name the field that was refused, where there is one', () => {
    expect(refused(new Refusal('INVALID_JOB', 'm', 'code')).failure?.evidence).toEqual({ field: 'code' });
    expect(refused(new Refusal('INVALID_JOB', 'm')).failure?.evidence).toEqual({});
  });

  it('say that workers died over it', () => {
    const outcome = stalledOut();
    expect(outcome).toMatchObject({ success: false, status: 'failed', error_type: 'StalledOut' });
    expect(outcome.failure).toMatchObject({ code: 'STALLED_OUT' });
    expect(outcome.error).toContain('2 times');
  });
});
