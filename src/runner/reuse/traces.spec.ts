import { expect, it } from '@jest/globals';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { removeTraces } from './traces.js';

const command = { entry: 'file:///w/own.js', rootUrl: 'file:///w/' } as ExecuteCommand;
const poolNow = (): ArrayBufferLike => Buffer.allocUnsafe(8).buffer;

it('the memory of small buffers is left where an execution took some of it', () => {
  removeTraces(command);
  const secret = Buffer.from('a secret');
  removeTraces(command);
  expect(poolNow()).not.toBe(secret.buffer);
});

it('it is kept where the execution took none', () => {
  for (let execution = 0; execution < 1_000; execution++) removeTraces(command);
  // Each takes a mark. Had the memory been left, the next would lie at the beginning or in the middle.
  const half = Buffer.poolSize / 2 - 8;
  expect(Buffer.allocUnsafe(8).byteOffset % half).toBeGreaterThan(7_000);
});

it('it is left although code has replaced the getter of where a buffer lies', () => {
  removeTraces(command);
  const secret = Buffer.from('a secret');
  const { buffer } = secret;
  Object.defineProperty(Buffer.prototype, 'byteOffset', { get: () => 0, configurable: true });
  try {
    removeTraces(command);
  } finally {
    Reflect.deleteProperty(Buffer.prototype, 'byteOffset');
  }
  expect(poolNow()).not.toBe(buffer);
});
