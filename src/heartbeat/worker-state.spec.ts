import { describe, expect, it } from '@jest/globals';
import { WORKER_STATES, type WorkerState } from '../contract/worker-record.js';
import { WorkerStateHolder } from './worker-state.js';

/** How a new worker comes into each state. */
const WAY: Record<WorkerState, WorkerState[]> = {
  STARTING: [],
  ACTIVE: ['ACTIVE'],
  PAUSED: ['ACTIVE', 'PAUSED'],
  DRAINING: ['ACTIVE', 'DRAINING'],
  STOPPED: ['STOPPED'],
};
const ALLOWED = new Set([
  'STARTING ACTIVE',
  'STARTING STOPPED',
  'ACTIVE PAUSED',
  'ACTIVE DRAINING',
  'PAUSED ACTIVE',
  'PAUSED DRAINING',
  'DRAINING STOPPED',
]);

const inState = (state: WorkerState): WorkerStateHolder => {
  const holder = new WorkerStateHolder();
  for (const next of WAY[state]) holder.enter(next);
  return holder;
};
const pairs = WORKER_STATES.flatMap((from) =>
  WORKER_STATES.map((to): [WorkerState, WorkerState] => [from, to]),
);
const changes = pairs.filter(([from, to]) => from !== to);

describe('WorkerStateHolder', () => {
  it('begins with STARTING', () => {
    expect(new WorkerStateHolder().current).toBe('STARTING');
  });

  it.each(changes.filter((pair) => ALLOWED.has(pair.join(' '))))('goes from %s to %s', (from, to) => {
    const holder = inState(from);
    const states: WorkerState[] = [];
    holder.onChange((state) => states.push(state));
    holder.enter(to);
    expect(holder.current).toBe(to);
    expect(states).toEqual([to]);
  });

  it.each(changes.filter((pair) => !ALLOWED.has(pair.join(' '))))('refuses %s to %s', (from, to) => {
    const holder = inState(from);
    const states: WorkerState[] = [];
    holder.onChange((state) => states.push(state));
    expect(() => holder.enter(to)).toThrow(`from ${from} to ${to}`);
    expect(holder.current).toBe(from);
    expect(states).toEqual([]);
  });

  it.each(WORKER_STATES)('stays in %s without an event when it is set again', (state) => {
    const holder = inState(state);
    const states: WorkerState[] = [];
    holder.onChange((next) => states.push(next));
    holder.enter(state);
    expect(states).toEqual([]);
  });

  it.each(WORKER_STATES)('takes work only while ACTIVE: %s', (state) => {
    expect(inState(state).takesWork).toBe(state === 'ACTIVE');
  });
});
