import { describe, expect, it } from '@jest/globals';
import { aResult, anEnd, anError, LIMITS } from '../../test/support/run-ends.js';
import { cancelledOutcome, notTriedAgain, unstartedOutcome } from './cancelled-outcome.js';
import { OriginalPlaces } from './original-places.js';
import { judge, outcomeOf } from './outcome.js';
import type { RunEnd } from './run-end.js';

const ASKED = { askedAt: '2026-03-01T10:00:00.000Z', reason: 'enough' };
const SIGNALLED = new Date('2026-03-01T10:00:01.000Z');
const KILLED = new Date('2026-03-01T10:00:02.000Z');
const TIMING = { startedAt: SIGNALLED, finishedAt: KILLED, limits: LIMITS, originals: OriginalPlaces.none };

const outcomeAt = (end: RunEnd) =>
  cancelledOutcome(outcomeOf(end, judge(end, LIMITS, false), TIMING), end, ASKED);

describe('an execution that was told to end', () => {
  it.each<[string, Partial<RunEnd>, string]>([
    ['returned', { report: aResult(7) }, 'by itself'],
    ['threw', { report: anError() }, 'by itself'],
    ['was killed', { verdict: 'cancelled' }, 'killed'],
    ['reached its time limit', { verdict: 'timeout' }, 'killed'],
    ['was interrupted by a drain', { verdict: 'interrupted' }, 'killed'],
    ['crashed', { exit: { exitCode: null, signal: 'SIGSEGV' } }, 'by itself'],
  ])('is cancelled when it %s', (_what, changes, ended) => {
    const killedAt = ended === 'killed' ? KILLED : null;
    const outcome = outcomeAt(anEnd({ ...changes, cancel: { signalledAt: SIGNALLED, killedAt } }));
    expect(outcome).toMatchObject({
      success: false,
      status: 'cancelled',
      error: 'The execution was cancelled: enough',
      error_type: 'Cancelled',
      failure: { code: 'CANCELLED', message: 'The execution was cancelled: enough' },
      cancellation: {
        asked_at: ASKED.askedAt,
        reason: 'enough',
        signalled_at: SIGNALLED.toISOString(),
        ended,
        killed_at: killedAt?.toISOString() ?? null,
      },
    });
  });

  it('keeps what it returned, or where it threw', () => {
    const cancel = { signalledAt: SIGNALLED, killedAt: null };
    expect(outcomeAt(anEnd({ cancel, report: aResult(7) })).result).toBe(7);
    const thrown = outcomeAt(anEnd({ cancel, report: anError() }));
    expect([thrown.result, thrown.failure?.stack]).toEqual([null, expect.stringContaining('main.ts:1:1')]);
  });
});

describe('an execution of which nothing runs', () => {
  it('has a receipt without signal and kill', () => {
    expect(unstartedOutcome({ ...ASKED, reason: null }, 'before start')).toMatchObject({
      status: 'cancelled',
      error: 'The execution was cancelled',
      cancellation: { ended: 'before start', reason: null, signalled_at: null, killed_at: null },
    });
  });

  it('keeps what its last attempt left', () => {
    const end = anEnd({ report: anError(), stdout: 'printed' });
    const failed = outcomeOf(end, judge(end, LIMITS, false), TIMING);
    expect(notTriedAgain(failed, ASKED)).toMatchObject({
      status: 'cancelled',
      stdout: 'printed',
      failure: { code: 'CANCELLED' },
      cancellation: { ended: 'not started again' },
    });
  });
});
