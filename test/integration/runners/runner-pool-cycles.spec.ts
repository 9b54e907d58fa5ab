import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseSettings } from '../../../src/config/settings.js';
import { RunnerPool } from '../../../src/executor/pool/runner-pool.js';
import { RunnerBootError } from '../../../src/executor/process/runner-spawn.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { until } from '../../support/until.js';
import { runnerSettings } from '../../../src/config/slices.js';

const openPool = (env: Record<string, string> = {}): RunnerPool =>
  new RunnerPool(runnerSettings.of(parseSettings({ CONCURRENCY: '1', SPARE_RUNNERS: '1', ...env })));

const ownDirs = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`bifrost-runtime-${process.pid}-`));
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('the runner pool', () => {
  // A start that forks runners boots one, a template and its first child; one that does not, one runner.
  it.each([
    [40, 'auto'],
    [160, 'spawn'],
  ])('can be started and stopped %d times in any order and leaves nothing (%s)', async (times, way) => {
    const pool = openPool({ RUNNER_START: way });
    await pool.start();
    await pool.stop();
    const before = descriptors();
    const steps: Promise<void>[] = [];
    for (let i = 0; i < times; i++) {
      steps.push(i % 3 === 0 ? pool.stop() : pool.start(), i % 2 === 0 ? pool.stop() : pool.start());
      if (i % 20 === 19) await Promise.all(steps);
    }
    await pool.stop();
    await Promise.all(steps);
    expect(pool.records()).toEqual([]);
    expect(ownDirs()).toEqual([]);
    await until(() => descriptors() <= before, { what: 'every descriptor is closed' });
    await expect(pool.checkout('x', 'key', false)).rejects.toBeInstanceOf(RunnerBootError);
  });

  it('recycles idle runners at once and one by its pid alone', async () => {
    const pool = openPool({ SPARE_RUNNERS: '2', CONCURRENCY: '2' });
    await pool.start();
    try {
      const ready = (): number[] =>
        pool
          .records()
          .filter(({ state }) => state === 'ACTIVE')
          .map(({ pid }) => pid);
      await until(() => ready().length === 2, { what: 'two spares' });
      const [first, second] = ready() as [number, number];
      expect(pool.recycle(first)).toBe(1);
      await until(() => !isAlive(first) && ready().length === 2, { what: 'the first is replaced' });
      expect(ready()).toContain(second);
      expect(pool.recycle()).toBe(2);
      await until(() => !isAlive(second) && ready().length === 2, { what: 'all are replaced' });
      expect(pool.problem).toBeNull();
    } finally {
      await pool.stop();
    }
  });

  it('lets a busy runner end its work before it is replaced', async () => {
    const pool = openPool({ RUNNER_MAX_EXECUTIONS: '0' });
    await pool.start();
    try {
      const lease = await pool.checkout('x', 'key', false);
      pool.recycle();
      const { pid } = lease.slot.runner;
      expect(pool.records().find((record) => record.pid === pid)).toMatchObject({
        state: 'PENDING_KILL',
        kind: 'process',
        memory_mb: expect.any(Number),
        current: [{ execution_id: 'x' }],
      });
      expect(isAlive(pid)).toBe(true);
      pool.release(lease);
      await until(() => !isAlive(pid), { what: 'the runner is gone' });
    } finally {
      await pool.stop();
    }
  });
});
