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

// From the start on only once: until a level of isolation is chosen, its proof is tried again for 15 s.
it.each([
  ['EAGAIN', 'reported', 'from the start on', reported],
  ['EMFILE', 'reported', 'later', reported],
  ['ENOMEM', 'thrown', 'later', thrown],
])('a spawn that fails with %s, %s, %s, is a problem that ends by itself', async (name, _how, when, way) => {
  const pool = new RunnerPool(
    runnerSettings.of(settingsOf({ RUNNER_START: 'spawn', CONCURRENCY: '1', SPARE_RUNNERS: '1' })),
  );
  const fail = (): void => {
    code = name;
    fault = way;
  };
  try {
    if (when === 'from the start on') fail();
    await pool.start();
    if (when === 'later') {
      await until(() => pool.records().length === 1, { what: 'a spare' });
      fail();
      // It takes the spare, and another one cannot be started.
      pool.release(await pool.checkout('e-0', 'key', false));
    }
    spawns = 0;
    await until(() => pool.problem, { what: 'a problem is reported' });
    expect(pool.problem).toContain(name);
    await expect(pool.checkout('e-1', 'key', false)).rejects.toThrow(name);
    await until(() => spawns >= 4, { what: 'it tries again' });
    expect(spawns).toBeLessThan(8);
    fault = null;
    const lease = await until(() => pool.checkout('e-2', 'key', false).catch(() => undefined), {
      what: 'a runner',
    });
    pool.release(lease);
    expect(pool.problem).toBeNull();
  } finally {
    await pool.stop();
  }
});
