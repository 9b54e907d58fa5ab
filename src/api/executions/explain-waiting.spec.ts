import { describe, expect, it } from '@jest/globals';
import type { WorkerRecord } from '../../contract/worker-record.js';
import type { LaneFacts } from '../../queue/fairness/lane-views.js';
import type { JobPlace } from '../../queue/job-places.js';
import { explainWaiting, type WaitingJob } from './explain-waiting.js';

const NOW_MS = Date.parse('2026-03-01T10:00:00.000Z');
const JOB: WaitingJob = { addedAtMs: NOW_MS - 5_000, scheduled: false, retried: false };
const PLACE: JobPlace = {
  position: 3,
  untilMs: null,
  waiting: 9,
  active: 2,
  paused: false,
  forChildren: false,
  limit: null,
};
type Worker = Pick<WorkerRecord, 'state' | 'concurrency' | 'packages'>;
const worker = (changes: Partial<Worker> = {}): Worker => ({ state: 'ACTIVE', concurrency: 2, ...changes });
const LANE: LaneFacts = {
  organization: 'acme',
  running: 0,
  weight: 1,
  weights: 1,
  isInRing: true,
  meanMs: 200,
  capacity: 4,
  interactive: 12,
  background: 0,
  isChosen: false,
};
const LATER = { position: null, untilMs: NOW_MS + 1_000 };
const installing = worker({ state: 'STARTING', packages: { state: 'installing', failed: 0 } });

describe('explainWaiting', () => {
  it.each<[string, WaitingJob | null, Partial<JobPlace>, Worker[]]>([
    ['context stored, no job', null, {}, [worker()]],
    ['delayed retry', { ...JOB, scheduled: true, retried: true }, LATER, []],
    ['scheduled delay', { ...JOB, scheduled: true }, LATER, [worker()]],
    ['handed back', JOB, LATER, [worker()]],
    ['waiting for children', JOB, { forChildren: true, position: null }, [worker()]],
    ['queue paused', JOB, { paused: true }, []],
    ['no live worker', JOB, {}, []],
    ['packages installing', JOB, {}, [installing, worker({ state: 'PAUSED' })]],
    ['workers starting', JOB, {}, [worker({ state: 'STARTING' })]],
    ['workers paused', JOB, {}, [worker({ state: 'PAUSED' }), worker({ state: 'DRAINING' })]],
    ['workers draining', JOB, {}, [worker({ state: 'DRAINING' })]],
    ['queue limit reached', JOB, { limit: 2 }, [worker(), worker()]],
    ['all runners busy', JOB, {}, [worker()]],
    ['all runners busy', JOB, { active: 1 }, [worker(), worker({ state: 'DRAINING' })]],
    ['about to start', JOB, {}, [worker(), worker(), worker()]],
    ['about to start', JOB, { position: null, active: 1 }, [worker()]],
  ])('says "%s"', (reason, job, place, workers) => {
    const waiting = explainWaiting(job, { ...PLACE, ...place }, workers, NOW_MS);
    expect(waiting.reason).toBe(reason);
    expect(waiting.detail).not.toContain('null');
  });

  it('gives the figures', () => {
    expect(explainWaiting(JOB, PLACE, [worker(), worker({ state: 'PAUSED' })], NOW_MS)).toEqual({
      reason: 'all runners busy',
      detail: 'The workers run 2 of 2 at once; 2 jobs are ahead',
      position: 3,
      queued: 9,
      lane: null,
      age_ms: 5_000,
      until: null,
      running: 2,
      capacity: 2,
    });
  });

  it.each<[string, Partial<LaneFacts>, string]>([
    [
      'organization cap reached',
      { rank: 4, maxRunning: 2, running: 2 },
      'may run 2 at once, and 2 do; 4 of its own',
    ],
    [
      'workflow cap reached',
      { blocked: { by: 'workflow', name: 'w', rank: 1, most: 3, running: 3 } },
      'workflow w',
    ],
    [
      'concurrency key in use',
      { blocked: { by: 'key', name: 'k', rank: 0, most: 1, running: 1 } },
      'key k lets 1',
    ],
    [
      'rate limit reached',
      { rank: 0, rate: { executions: 5, ms: 60_000 }, opensAt: NOW_MS + 9_000 },
      'start 5 within 60 s; the next at 2026-03-01T10:00:09.000Z',
    ],
    ['others take their turn', { rank: 2, weights: 4 }, 'has 25 % of slot time (weight 1); 2 of its own'],
    ['all runners busy', { rank: 2 }, 'The workers run 2 of 2'],
    ['all runners busy', { isChosen: true, maxRunning: 1, running: 1 }, 'The workers run 2 of 2'],
  ])('says "%s" of a lane', (reason, facts, detail) => {
    const held = { ...PLACE, position: null, untilMs: Date.UTC(2038, 0, 1) };
    const waiting = explainWaiting(JOB, held, [worker()], NOW_MS, { ...LANE, ...facts });
    expect(waiting).toMatchObject({ reason, position: null, until: null });
    expect(waiting.detail).toContain(detail);
  });

  it('gives the position in the lane, the share and an estimate', () => {
    const lane = { ...LANE, rank: 3, weight: 2, weights: 8 };
    expect(explainWaiting(JOB, PLACE, [worker()], NOW_MS, lane).lane).toEqual({
      organization: 'acme',
      position: 4,
      queued: 12,
      running: 0,
      weight: 2,
      share: 0.25,
      // A quarter of 4 slots, 4 executions of 200 ms.
      estimate_ms: 800,
    });
    const limited = { ...LANE, rank: 3, rate: { executions: 2, ms: 10_000 }, opensAt: NOW_MS + 1_000 };
    expect(explainWaiting(JOB, PLACE, [worker()], NOW_MS, limited).lane?.estimate_ms).toBe(16_000);
  });

  it('says until when', () => {
    const waiting = explainWaiting({ ...JOB, retried: true }, { ...PLACE, ...LATER }, [], NOW_MS);
    expect(waiting).toMatchObject({ position: null, until: '2026-03-01T10:00:01.000Z' });
    expect(waiting.detail).toContain('2026-03-01T10:00:01.000Z');
  });
});
