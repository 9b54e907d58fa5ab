import { afterEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import * as childProcess from 'node:child_process';
import { settingsOf } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { runnerSettings } from '../../../src/config/slices.js';

/** What the operating system answers to the next spawns; null: it starts the process. */
let fault: ((code: string) => childProcess.ChildProcess) | null = null;
let code = '';
let spawns = 0;

jest.unstable_mockModule('node:child_process', () => ({
  ...childProcess,
  spawn: ((...args: Parameters<typeof childProcess.spawn>) => {
    spawns += 1;
    return fault === null ? childProcess.spawn(...args) : fault(code);
  }) as typeof childProcess.spawn,
}));

Logger.overrideLogger(false);

const { RunnerPool } = await import('../../../src/executor/pool/runner-pool.js');

const errorOf = (name: string): Error => Object.assign(new Error(`spawn node ${name}`), { code: name });
/** As Node reports what it foresees: by an event, on a child without a pid. */
const reported = (name: string): childProcess.ChildProcess => {
  const child = new EventEmitter() as childProcess.ChildProcess;
  process.nextTick(() => child.emit('error', errorOf(name)));
  return child;
};
/** As Node reports anything else. */
const thrown = (name: string): never => {
  throw errorOf(name);
};

afterEach(() => {
  fault = null;
});

it.each([
  ['EAGAIN', 'reported', reported],
  ['EMFILE', 'reported', reported],
  ['ENOMEM', 'thrown', thrown],
])('a spawn that fails with %s, %s, is a problem that ends by itself', async (name, _how, way) => {
  code = name;
  fault = way;
  spawns = 0;
  const pool = new RunnerPool(runnerSettings.of(settingsOf({ CONCURRENCY: '1', SPARE_RUNNERS: '1' })));
  try {
    await pool.start();
    await until(() => pool.problem, { what: 'a problem is reported' });
    expect(pool.problem).toContain(name);
    await expect(pool.checkout('e-1', 'key')).rejects.toThrow(name);
    await until(() => spawns >= 4, { what: 'it tries again' });
    expect(spawns).toBeLessThan(8);
    fault = null;
    const lease = await until(() => pool.checkout('e-2', 'key').catch(() => undefined), { what: 'a runner' });
    pool.release(lease);
    expect(pool.problem).toBeNull();
  } finally {
    await pool.stop();
  }
});
