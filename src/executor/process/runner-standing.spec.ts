import { describe, expect, it } from '@jest/globals';
import type { ProcessState } from '../../contract/worker-record.js';
import { type RunnerEvent, RunnerStanding } from './runner-standing.js';

describe('the state of a runner', () => {
  it.each<[RunnerEvent[], ProcessState]>([
    [[], 'ACTIVE'],
    [['drain'], 'DRAINING'],
    [['retire'], 'PENDING_KILL'],
    [['end'], 'EXITING'],
    [['drain', 'retire'], 'PENDING_KILL'],
    [['retire', 'drain'], 'PENDING_KILL'],
    [['drain', 'drain', 'end'], 'EXITING'],
    [['end', 'drain', 'retire'], 'EXITING'],
  ])('after %j is %s', (events, state) => {
    const standing = new RunnerStanding();
    for (const event of events) standing.enter(event);
    expect(standing.state).toBe(state);
  });
});
