import { describe, expect, it } from '@jest/globals';
import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import { FAILURE_CODES, type FailureCode, failureRow } from '../contract/failure.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { CompilerUnavailableError } from '../compile/compile-error.js';
import { InterruptedError } from '../executor/cancellation.js';
import { type AttemptReport, cancelledReport, unrunReport } from '../outcome/attempt-report.js';
import { resultDocument } from '../outcome/result-document.js';
import { aFirstRun } from '../../test/support/parts.js';
import { RunnerBootError } from '../executor/process/runner-spawn.js';
import {
  AttemptFailedError,
  isDecided,
  isEnvironmental,
  mayRetry,
  reportOfError,
  refused,
  stalledOut,
} from './job-decisions.js';

const failed = (code: FailureCode) => unrunReport({ code, message: 'no' });
const succeeded = () => unrunReport(null);
/** What the world reads of a report. */
const documentOf = (report: AttemptReport) =>
  resultDocument({ executionId: 'e', workerId: 'w', ...aFirstRun }, report);
const job = (attemptsMade: number, attempts?: number) => ({
  attemptsMade,
  opts: attempts === undefined ? {} : { attempts },
});

// Written out, so that a row that is changed by mistake shows; a code that is new is held against its row.
const AGAIN: FailureCode[] = [
  'USER_ERROR',
  'TIMED_OUT',
  'OUT_OF_MEMORY',
  'OUTPUT_LIMIT',
  'RUNNER_CRASHED',
  'PROTOCOL_VIOLATION',
  'RESULT_NOT_SERIALIZABLE',
  'SECRET_UNAVAILABLE',
  'MODULE_NOT_FOUND',
  'MODULE_LIMIT',
  'PACKAGE_INSTALL_FAILED',
  'ARTIFACT_STORE_FAILED',
];
const FINAL: FailureCode[] = [
  'INVALID_JOB',
  'CONTEXT_NOT_FOUND',
  'CHILD_FAILED',
  'QUOTA_EXCEEDED',
  'EXPIRED',
  'SKIPPED',
  'CANCELLED',
  'PACKAGE_REFUSED',
  'ARTIFACT_REFUSED',
  'COMPILE_LIMIT',
  'STALLED_OUT',
  'INTERNAL',
];

/** These codes, and those whose rows say so. */
const and = (codes: readonly FailureCode[], retry: boolean): FailureCode[] => [
  ...new Set([...codes, ...FAILURE_CODES.filter((code) => failureRow(code).retry === retry)]),
];

describe('mayRetry', () => {
  it.each(FAILURE_CODES)('%s is not tried again unless the job asks for attempts', (code) => {
    expect(mayRetry(job(0), failed(code))).toBe(false);
    expect(mayRetry(job(0, 1), failed(code))).toBe(false);
  });

  it.each(and(AGAIN, true))('%s is tried again as often as the job asks for', (code) => {
    expect(mayRetry(job(0, 3), failed(code))).toBe(true);
    expect(mayRetry(job(1, 3), failed(code))).toBe(true);
    expect(mayRetry(job(2, 3), failed(code))).toBe(false);
  });

  it.each(and(FINAL, false))('%s is never tried again', (code) => {
    expect(mayRetry(job(0, 10), failed(code))).toBe(false);
  });

  it('leaves alone what the code called final, and what was cancelled', () => {
    const final = unrunReport({ code: 'USER_ERROR', message: 'no', final: true });
    expect(mayRetry(job(0, 3), final)).toBe(false);
    const request = { askedAt: '2026-03-01T10:00:00.000Z', reason: null };
    expect(mayRetry(job(0, 3), cancelledReport(request, 'before start'))).toBe(false);
  });

  it('leaves a success alone', () => {
    expect(mayRetry(job(0, 10), succeeded())).toBe(false);
  });
});

describe('reportOfError', () => {
  it('turns a refusal into its result at once', () => {
    const refusal = new Refusal('CONTEXT_NOT_FOUND', 'no context', 'execution_id');
    expect(documentOf(reportOfError(refusal, 1))).toMatchObject({
      success: false,
      status: 'failed',
      error: 'no context',
      error_type: 'ContextNotFound',
      failure: { code: 'CONTEXT_NOT_FOUND', evidence: { field: 'execution_id' } },
    });
  });

  it("throws a fault of the worker's own in the first attempt", () => {
    const fault = new Error('disk full');
    expect(() => reportOfError(fault, 1)).toThrow(fault);
  });

  it.each([new Error('disk full'), 'disk full'])('ends with INTERNAL in the second attempt: %s', (fault) => {
    expect(documentOf(reportOfError(fault, 2))).toMatchObject({
      error: 'The worker failed 2 times: disk full',
      failure: { code: 'INTERNAL' },
    });
  });

  it.each([
    new InterruptedError('drain'),
    new RunnerBootError('no memory'),
    new CompilerUnavailableError('no memory'),
  ])('never makes %s the result of an execution', (fault) => {
    expect(() => reportOfError(fault, 99)).toThrow(fault);
  });
});

describe('the kinds of errors', () => {
  it.each([
    new WaitingError(),
    new DelayedError(),
    new UnrecoverableError('no'),
    new AttemptFailedError(documentOf(failed('USER_ERROR'))),
  ])('%s is a decision', (error) => {
    expect(isDecided(error)).toBe(true);
    expect(isEnvironmental(error)).toBe(false);
  });

  it.each([
    new InterruptedError('x'),
    new RunnerBootError('x'),
    new Error('NOREPLICAS Not enough good replicas to write.'),
  ])('%s is environmental', (error) => {
    expect(isEnvironmental(error)).toBe(true);
    expect(isDecided(error)).toBe(false);
  });

  it.each([new Error('x'), new Refusal('INTERNAL', 'x'), 'x', undefined])('%s is neither', (error) => {
    expect([isDecided(error), isEnvironmental(error)]).toEqual([false, false]);
  });
});

describe('results of executions that did not run', () => {
  it('name the field that was refused, where there is one', () => {
    const evidence = (refusal: Refusal) => documentOf(refused(refusal)).failure?.evidence;
    expect(evidence(new Refusal('INVALID_JOB', 'm', 'code'))).toEqual({ field: 'code' });
    expect(evidence(new Refusal('INVALID_JOB', 'm'))).toEqual({});
  });

  it('say that workers died over it', () => {
    const outcome = documentOf(stalledOut());
    expect(outcome).toMatchObject({ success: false, status: 'failed', error_type: 'StalledOut' });
    expect(outcome.failure).toMatchObject({ code: 'STALLED_OUT' });
    expect(outcome.error).toContain('2 times');
  });
});
