import { expect, it } from '@jest/globals';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { commandFor } from './run-once.js';
import type { RunnerProcess } from './runner-process.js';
import { SentExecutions } from './sent-executions.js';

const RUNNER = { pid: 1, place: { scratch: '/scratch' } } as unknown as RunnerProcess;
const COMMAND: ExecuteCommand = { ...commandFor(RUNNER, 'export default () => 1'), keep: true };

it('a process that keeps what it is sent is not sent it again', () => {
  const sent = new SentExecutions();
  expect(sent.next(COMMAND, true)).toMatchObject({
    modules: COMMAND.modules,
    place: { scratch: '/scratch' },
  });
  expect(sent.next({ ...COMMAND, ref: '2' }, true)).toMatchObject({ modules: [], place: null, ref: '2' });
  expect(sent.next({ ...COMMAND, scratch: '/other' }, true)).toMatchObject({ place: { scratch: '/other' } });
  expect(sent.next(COMMAND, true)).toMatchObject({ place: { scratch: '/scratch' } });
});

it('a script is sent each time, since it is evaluated anew', () => {
  const sent = new SentExecutions();
  const script = { ...COMMAND, functionName: null };
  expect([sent.next(script, true), sent.next(script, true)].map(({ modules }) => modules)).toEqual([
    COMMAND.modules,
    COMMAND.modules,
  ]);
});

it('what keeps nothing is sent all, and so is what comes after it', () => {
  const sent = new SentExecutions();
  const places = [true, false, false, true, true].map((isKept) => sent.next(COMMAND, isKept).place);
  expect(places.map((place) => place !== null)).toEqual([true, true, true, true, false]);
});
