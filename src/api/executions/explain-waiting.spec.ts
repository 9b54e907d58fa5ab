import { describe, expect, it } from '@jest/globals';
import type { WorkerRecord } from '../../contract/worker-record.js';
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
      age_ms: 5_000,
      until: null,
      running: 2,
      capacity: 2,
    });
  });

  it('says until when', () => {
    const waiting = explainWaiting({ ...JOB, retried: true }, { ...PLACE, ...LATER }, [], NOW_MS);
    expect(waiting).toMatchObject({ position: null, until: '2026-03-01T10:00:01.000Z' });
    expect(waiting.detail).toContain('2026-03-01T10:00:01.000Z');
  });
});
