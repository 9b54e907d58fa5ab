import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { reapRequest } from './control-messages.js';
import { TemplateRequests } from './template-requests.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function opened() {
  const control = new PassThrough();
  return {
    requests: new TemplateRequests(control),
    read: (): Buffer | null => control.read() as Buffer | null,
  };
}

const FORK = Buffer.from('fork');

it('the end of a child goes with the next request', () => {
  const { requests, read } = opened();
  requests.reap(7);
  expect(read()).toBeNull();
  requests.send(FORK);
  expect(read()).toEqual(Buffer.concat([reapRequest(7), FORK]));
});

it('the end of a child goes alone after a while', () => {
  const { requests, read } = opened();
  requests.reap(7);
  jest.runAllTimers();
  expect(read()).toEqual(reapRequest(7));
});

it('nothing goes to a template that ends', () => {
  const { requests, read } = opened();
  requests.reap(7);
  requests.stop();
  requests.reap(8);
  requests.send(FORK);
  jest.runAllTimers();
  expect(read()).toBeNull();
  expect(jest.getTimerCount()).toBe(0);
});
