import { describe, expect, it } from '@jest/globals';
import { isDatabaseAway, isPartitionMissing, isPassing, isRefusal } from './database-errors.js';

const error = (code: string | undefined, message = ''): Error => Object.assign(new Error(message), { code });

describe('errors of the database', () => {
  it.each([
    error('ECONNREFUSED'),
    error('57P01', 'terminating connection due to administrator command'),
    error('53300', 'sorry, too many clients already'),
    error('08006'),
    error(undefined, 'Connection terminated unexpectedly'),
    error(undefined, 'timeout exceeded when trying to connect'),
  ])('%p means that it is away', (one) => {
    expect([isDatabaseAway(one), isRefusal(one)]).toEqual([true, false]);
  });

  it.each([error('22P05', 'unsupported Unicode escape sequence'), error('54001'), error('23502')])(
    '%p means that it will never take these values',
    (one) => {
      expect([isDatabaseAway(one), isRefusal(one)]).toEqual([false, true]);
    },
  );

  it.each([error('40P01', 'deadlock detected'), error('55P03'), error('57014')])('%p passes', (one) => {
    expect([isPassing(one), isDatabaseAway(one), isRefusal(one)]).toEqual([true, false, false]);
  });

  it.each([error('42501', 'permission denied'), error(undefined, 'a fault of ours'), null, 'text'])(
    'of %p nothing is concluded: it is tried again',
    (one) => {
      expect([isPassing(one), isDatabaseAway(one), isRefusal(one)]).toEqual([false, false, false]);
    },
  );

  it('knows the partition that is missing', () => {
    expect(isPartitionMissing(error('23514', 'no partition of relation "executions" found for row'))).toBe(
      true,
    );
    expect(isPartitionMissing(error('23514', 'new row violates check constraint'))).toBe(false);
  });
});
