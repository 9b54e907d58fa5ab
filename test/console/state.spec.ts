import { describe, expect, it } from '@jest/globals';
import { linesOf, rankOf } from '../../console/src/parts/log-lines.js';
import { findingsIn } from '../../console/src/state/findings.js';
import { Rates } from '../../console/src/state/rates.js';
import type { QueueView } from '../../src/contract/api/queue.js';
import type { CountedWorker } from '../../src/contract/worker-record.js';

const queue = (changes: Partial<QueueView> = {}): QueueView => ({
  name: 'q',
  paused: false,
  waiting: 0,
  active: 0,
  delayed: 0,
  limit: null,
  held: 0,
  lanes: [],
  ...changes,
});
const aWorker = (changes: Partial<CountedWorker> = {}): CountedWorker =>
  ({ id: 'w1', alive: true, state: 'ACTIVE', concurrency: 2, running: 0, ...changes }) as CountedWorker;
const titles = (seen: Parameters<typeof findingsIn>[0]): string[] =>
  findingsIn(seen).map(({ title }) => title);

describe('what is wrong now', () => {
  it('is nothing where all is well, and where nothing was seen yet', () => {
    const health = { status: 'ok', details: { redis: { status: 'up' } } };
    expect(titles({ workers: [aWorker()], queue: queue(), health })).toEqual([]);
    expect(titles({ workers: undefined, queue: undefined, health: undefined })).toEqual([]);
  });

  it.each<[string, Partial<Parameters<typeof findingsIn>[0]>]>([
    ['No worker is alive', { workers: [] }],
    ['Worker w2 is gone', { workers: [aWorker(), aWorker({ id: 'w2', alive: false })] }],
    ['No worker takes work', { workers: [aWorker({ state: 'PAUSED' })] }],
    ['The queue is paused', { queue: queue({ paused: true }) }],
    [
      'More work comes in than is done',
      { workers: [aWorker({ running: 2 })], queue: queue({ waiting: 21, active: 2 }) },
    ],
    ['1 package failed on w1', { workers: [aWorker({ packages: { state: 'ready', failed: 1 } })] }],
    [
      'User code got through the isolation of w1',
      { workers: [aWorker({ isolation_failed: ['read /proc'] })] },
    ],
    [
      'archive is degraded',
      { health: { status: 'ok', details: { archive: { status: 'degraded', reason: 'away' } } } },
    ],
  ])('is: %s', (title, seen) => {
    expect(titles({ workers: [aWorker()], queue: queue(), health: undefined, ...seen })).toEqual([title]);
  });

  it('has the worst first', () => {
    const health = { status: 'error', details: { redis: { status: 'down', reason: 'no answer' } } };
    const found = findingsIn({ workers: [aWorker()], queue: queue({ paused: true }), health });
    expect(found.map(({ tone }) => tone)).toEqual(['bad', 'warn']);
  });
});

describe('rates', () => {
  it('count by five seconds, and leave out the time that is not over', () => {
    const rates = new Rates();
    const now = 1_000_000_000_000;
    for (let n = 0; n < 10; n++) rates.add(now - 5_000, n !== 0);
    rates.add(now + 1_000, true);
    rates.add(now - 3_600_000, true);
    const { seconds, good, bad } = rates.points(now);
    expect(seconds).toHaveLength(120);
    expect([good.at(-1), bad.at(-1)]).toEqual([1.8, 0.2]);
    expect(good.slice(0, -1).every((value) => value === 0)).toBe(true);
  });
});

describe('log lines', () => {
  const entry = { id: '1-0', attempt: 1, run: 'r', n: 1, ts: '2026-11-28T00:00:00.000Z' };

  it('are one for each line of a message', () => {
    const lines = linesOf({ ...entry, type: 'log', level: 'warn', stream: 'stderr', message: 'a\r\nb' });
    expect(lines.map(({ text, isMore }) => [text, isMore])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  it('tell what the worker did', () => {
    const texts = [
      linesOf({ ...entry, type: 'start', worker_id: 'w1' }),
      linesOf({ ...entry, type: 'progress', fraction: 0.5, message: null }),
      linesOf({ ...entry, type: 'dropped', count: 3 }),
      linesOf({ ...entry, type: 'end', status: 'timed_out' }),
    ].map(([line]) => line?.text);
    expect(texts).toEqual([
      'Attempt 1 started on w1',
      'Progress 50 %',
      '3 entries were dropped here: Redis was away or too slow',
      'Ended: timed out',
    ]);
  });

  it('rank by their level', () => {
    expect(['trace', 'log', 'info', 'warning', 'fatal'].map(rankOf)).toEqual([0, 1, 1, 2, 3]);
  });
});
