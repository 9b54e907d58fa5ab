import { describe, expect, it } from '@jest/globals';
import { aDocument, anOutcome } from '../../test/support/parts.js';
import { attemptHistory, attemptRecord } from './attempt-record.js';

const entry = (message: string) => ({
  ts: '2026-03-01T10:00:00.000Z',
  level: 'info',
  stream: 'stdout' as const,
  message,
});

describe('attemptRecord', () => {
  it('keeps how it ended and the end of its logs', () => {
    const logs = Array.from({ length: 300 }, (_, n) => entry(`line ${n}`));
    const record = attemptRecord(aDocument('e', anOutcome(4, { logs }), 2));
    expect(record).toMatchObject({ attempt: 2, worker_id: 'w1', status: 'succeeded', logs_truncated: true });
    expect([record.logs.length, record.logs.at(-1)?.message]).toEqual([100, 'line 299']);
    expect(attemptRecord(aDocument('e', anOutcome(4, { logs: [entry('a')] }))).logs_truncated).toBe(false);
  });

  it('is bounded, whatever was logged', () => {
    const logs = [entry('first'), entry('x'.repeat(16_380)), entry('last')];
    expect(attemptRecord(aDocument('e', anOutcome(1, { logs }))).logs).toHaveLength(2);
    const logged = anOutcome(1, { logs: [entry('x'.repeat(20_000))] });
    expect(attemptRecord(aDocument('e', logged)).logs).toEqual([]);
  });
});

describe('attemptHistory', () => {
  const record = (attempt: number, error: string) => ({
    ...attemptRecord(aDocument('e', anOutcome(1), attempt)),
    error,
  });

  it('has each attempt once, in order, as it was reported first', () => {
    const history = attemptHistory([record(1, 'a'), record(2, 'b')], record(2, 'cancelled'));
    expect(history.map(({ attempt, error }) => [attempt, error])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it('keeps the latest 20', () => {
    const earlier = Array.from({ length: 40 }, (_, n) => record(n + 1, ''));
    expect(attemptHistory(earlier, record(41, '')).map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 22),
    );
  });
});
