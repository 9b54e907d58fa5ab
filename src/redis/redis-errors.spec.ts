import { describe, expect, it } from '@jest/globals';
import { isOutage, isRedisAway, isTurnedAway, writeRefusalOf } from './redis-errors.js';

describe('writeRefusalOf', () => {
  it.each([
    ['NOREPLICAS Not enough good replicas to write.', 'NOREPLICAS Not enough good replicas to write'],
    [
      "OOM command not allowed when used memory > 'maxmemory'. script: 5f9a, on @user_script:7.",
      "OOM command not allowed when used memory > 'maxmemory'",
    ],
    [
      "READONLY You can't write against a read only replica.",
      "READONLY You can't write against a read only replica",
    ],
    // As Redis 6 says it of a script.
    [
      'ERR Error running script (call to f_5f9a): @user_script:1: @user_script: 1: -MISCONF Errors writing to the AOF file: No space left on device',
      'MISCONF Errors writing to the AOF file: No space left on device',
    ],
  ])('is what Redis says: %s', (message, refusal) => {
    expect(writeRefusalOf(new Error(message))).toBe(refusal);
  });

  it.each([
    'LOADING Redis is loading the dataset in memory',
    'connect ECONNREFUSED 127.0.0.1:6379',
    'ERR unknown command',
  ])('is null of an error that says something else: %s', (message) => {
    expect(writeRefusalOf(new Error(message))).toBeNull();
  });
});

describe('isRedisAway', () => {
  it.each([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'LOADING Redis is loading the dataset in memory',
    'NOREPLICAS Not enough good replicas to write.',
  ])('%s', (message) => {
    expect(isRedisAway(new Error(message))).toBe(true);
  });

  it('knows what a socket says by its code', () => {
    expect(isRedisAway(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe(true);
  });

  it.each([
    new Error('WRONGTYPE Operation against a key'),
    new Error('ERR unknown command'),
    'LOADING',
    undefined,
  ])('not %s', (error) => {
    expect(isRedisAway(error)).toBe(false);
  });
});

describe('isTurnedAway', () => {
  it.each([
    "NOPERM this user has no permissions to run the 'info' command",
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    // As Redis 7 says it of what a script asks for.
    "ERR The user executing the script can't run this command or subcommand script: 5f9a, on @user_script:1.",
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
  ])('knows %s, which is no outage and no fault of an execution', (message) => {
    const error = new Error(message);
    expect([isTurnedAway(error), isRedisAway(error), isOutage(error)]).toEqual([true, true, false]);
  });

  it.each(['LOADING Redis is loading the dataset in memory', 'ERR unknown command'])('not %s', (message) => {
    expect(isTurnedAway(new Error(message))).toBe(false);
  });
});
