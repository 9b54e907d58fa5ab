import { describe, expect, it } from '@jest/globals';
import type { RunnerFrame } from '../../boundary/runner-frames.js';
import { KINDS } from '../kinds/registry.js';
import { FrameOrder } from './frame-order.js';

const PROCESS = { kind: KINDS.process, keep: true };
const frames = (...types: string[]): RunnerFrame[] => types.map((type) => ({ type }) as RunnerFrame);

/** What is wrong with the last of these frames; none of those before may be wrong. */
function faultOfLast(order: FrameOrder, ...types: string[]): string | null {
  const faults = frames(...types).map((frame) => order.fault(frame));
  expect(faults.slice(0, -1)).toEqual(faults.slice(0, -1).map(() => null));
  return faults.at(-1) ?? null;
}

describe('in its time is', () => {
  it.each([
    [['loaded', 'output', 'progress', 'uncaught', 'uncaught', 'result', 'output', 'settled']],
    [['error', 'progress', 'settled']],
    [['loaded', 'exiting']],
    [['module-request']],
  ])('every frame of %j', (types) => {
    expect(faultOfLast(new FrameOrder(PROCESS), ...types)).toBeNull();
  });

  it('one answer to each question, also after the report', () => {
    const order = new FrameOrder(PROCESS);
    order.ask('alive');
    order.ask('unheard');
    order.ask('unheard');
    expect(faultOfLast(order, 'unheard', 'result', 'alive', 'unheard')).toBeNull();
    expect(faultOfLast(order, 'unheard')).toMatch(/not expected/);
  });

  it('the next module request, once the one before is answered', () => {
    const order = new FrameOrder(PROCESS);
    expect(faultOfLast(order, 'module-request')).toBeNull();
    order.replied();
    expect(faultOfLast(order, 'module-request', 'module-request')).toMatch(/second module request/);
  });

  it('what a host of threads says of its threads', () => {
    const order = new FrameOrder({ kind: KINDS.thread, keep: false });
    expect(faultOfLast(order, 'used', 'used', 'result', 'thread-ended')).toBeNull();
  });
});

it.each([
  ['ready', ['ready']],
  ['loaded twice', ['loaded', 'loaded']],
  ['loaded after the report', ['result', 'loaded']],
  ['a second result', ['result', 'result']],
  ['an error after a result', ['result', 'error']],
  ['settled before the report', ['loaded', 'settled']],
  ['settled twice', ['result', 'settled', 'settled']],
  ['alive that was not asked for', ['alive']],
  ['unheard that was not asked for', ['unheard']],
  ['used by a process', ['used']],
  ['thread-ended by a process', ['thread-ended']],
])('out of its time is %s', (_what, types) => {
  expect(faultOfLast(new FrameOrder(PROCESS), ...types)).toEqual(expect.any(String));
});

describe('a result that says more', () => {
  const result = (more: object): RunnerFrame => ({ type: 'result', ...more }) as RunnerFrame;
  const faultAfter = (before: string[], more: object, of = PROCESS): string | null => {
    const order = new FrameOrder(of);
    for (const frame of frames(...before)) order.fault(frame);
    return order.fault(result(more));
  };

  it.each([
    [[], { loadMs: 1, settled: true }],
    [['loaded', 'output'], { settled: true }],
    [[], { loadMs: 1 }],
  ])('is in its time after %j: %j', (before, more) => {
    expect(faultAfter(before, more)).toBeNull();
  });

  it('has not been loaded twice', () => {
    expect(faultAfter(['loaded'], { loadMs: 1 })).toMatch(/"loaded"/);
  });

  it('is not settled where the runner is not kept', () => {
    expect(faultAfter([], { settled: true }, { kind: KINDS.process, keep: false })).toMatch(/"settled"/);
  });

  it('is settled once', () => {
    const order = new FrameOrder(PROCESS);
    expect(order.fault(result({ settled: true }))).toBeNull();
    expect(faultOfLast(order, 'settled')).toMatch(/"settled"/);
  });

  it('is one all the same', () => {
    expect(faultAfter(['error'], { settled: true })).toBe('a second last word');
  });
});

it('of a runner that is not kept, settled is out of its time', () => {
  expect(faultOfLast(new FrameOrder({ kind: KINDS.process, keep: false }), 'result', 'settled')).toMatch(
    /settled/,
  );
});
