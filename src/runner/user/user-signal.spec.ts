import { expect, it } from '@jest/globals';
import { UserSignal } from './user-signal.js';

it('is one signal, which aborts with the reason', () => {
  const own = new UserSignal();
  expect(own.isTaken).toBe(false);
  const signal = own.take();
  expect([own.isTaken, own.take() === signal, signal.aborted]).toEqual([true, true, false]);
  const reason = new Error('enough');
  own.abort(reason);
  expect([signal.aborted, signal.reason]).toEqual([true, reason]);
});

it('is aborted already when it is taken after the request', () => {
  const own = new UserSignal();
  const reason = new Error('enough');
  own.abort(reason);
  expect(own.isTaken).toBe(false);
  expect([own.take().aborted, own.take().reason]).toEqual([true, reason]);
});
