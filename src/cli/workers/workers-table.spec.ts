import { describe, expect, it } from '@jest/globals';
import type { WorkerRecord } from '../../contract/worker-record.js';
import { workersTable } from './workers-table.js';

const NOW = new Date('2026-01-02T00:00:00Z');

const aWorker = (changes: Partial<WorkerRecord> = {}): WorkerRecord => ({
  id: 'w1',
  type: 'local',
  state: 'ACTIVE',
  version: '1.0.0',
  host: 'box',
  pid: 7,
  concurrency: 4,
  running: 1,
  started_at: '2026-01-01T21:55:00Z',
  heartbeat_at: '2026-01-01T23:59:57Z',
  runners: [],
  package_set: null,
  workspace_generation: null,
  ...changes,
});

const table = (...workers: WorkerRecord[]): string => workersTable(workers, NOW, (_state, text) => text);

describe('the table of workers', () => {
  it('has one worker a line, in columns', () => {
    const other = aWorker({
      id: 'a-longer-name',
      state: 'DRAINING',
      pid: 123_456,
      running: 10,
      concurrency: 16,
      isolation: 'namespace',
      isolation_grade: 'A',
      isolation_failed: [],
    });
    expect(table(aWorker(), other)).toBe(
      [
        'ID             TYPE   STATE     RUNNING  ISOLATION    HOST  PID     UPTIME    HEARTBEAT',
        'w1             local  ACTIVE    1/4      -            box   7       2 h 05 m  3 s ago',
        'a-longer-name  local  DRAINING  10/16    namespace A  box   123456  2 h 05 m  3 s ago',
        '',
      ].join('\n'),
    );
  });

  it('shows where the isolation has a hole', () => {
    const worker = aWorker({
      isolation: 'process',
      isolation_grade: 'D',
      isolation_failed: ['redis', 'files'],
    });
    expect(table(worker)).toContain('  process D, 2 failed  box');
  });

  it('keeps its columns when a state is coloured', () => {
    const painted = workersTable([aWorker()], NOW, (_state, text) => `<${text}>`);
    expect(painted.replaceAll(/[<>]/g, '')).toBe(table(aWorker()));
    expect(painted).toContain('<ACTIVE>  ');
  });

  it('shows names without what would move the cursor', () => {
    expect(table(aWorker({ type: 'a\u001b[2Jb\nc\u0007' }))).toContain('w1  ab c   ACTIVE');
  });
});
