import { describe, expect, it } from '@jest/globals';
import { LogReaders } from './log-readers.js';
import { ProblemException } from '../http/problem.js';

/** null: it was let in. */
function refusalOf(readers: LogReaders, id: string) {
  try {
    readers.enter(id);
    return null;
  } catch (error) {
    if (!(error instanceof ProblemException)) throw error;
    return { status: error.getStatus(), headers: error.headers };
  }
}
const REFUSED = { status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } };

describe('readers of logs', () => {
  it('may be a quarter of all on one execution, and the others stay readable', () => {
    const readers = new LogReaders({ readersLimit: 8 });
    expect(Array.from({ length: 4 }, () => refusalOf(readers, 'one'))).toEqual([
      null,
      null,
      REFUSED,
      REFUSED,
    ]);
    expect(refusalOf(readers, 'two')).toBeNull();
  });

  it('are limited in total, whatever the number of executions', () => {
    const readers = new LogReaders({ readersLimit: 3 });
    expect(['a', 'b', 'c', 'd'].map((id) => refusalOf(readers, id))).toEqual([null, null, null, REFUSED]);
  });

  it('make room when they leave, once each', () => {
    const readers = new LogReaders({ readersLimit: 2 });
    const leave = readers.enter('a');
    readers.enter('b');
    leave();
    leave();
    expect(readers.size).toBe(1);
    expect([refusalOf(readers, 'a'), refusalOf(readers, 'c')]).toEqual([null, REFUSED]);
  });
});
