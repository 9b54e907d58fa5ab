import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnerPool } from '../../../src/executor/pool/runner-pool.js';
import { RunnerBootError } from '../../../src/executor/process/runner-spawn.js';
import { settingsOf } from '../../support/parts.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { untilGone } from '../../support/processes/processes.js';
import { until } from '../../support/until.js';
import { runnerSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);

let home: string;
const pools: RunnerPool[] = [];

/** What names everything that the pools of this process have on the machine. */
const MARK = `bifrost-runtime-${process.pid}-`;
const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(MARK));
const scratches = (): string[] =>
  folders()
    .map((name) => join(tmpdir(), name, 'scratch'))
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
/** Runner processes by the text in their command line, whatever their parent is by now. */
const processes = (): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(MARK);
    } catch {
      return false; // it ended meanwhile
    }
  });

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bifrost-pool-test-'));
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
  jest.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
  expect([folders(), processes()]).toEqual([[], []]);
});

function aPool(spares = 2, isolation = 'auto'): RunnerPool {
  const pool = new RunnerPool(
    runnerSettings.of(settingsOf({ SPARE_RUNNERS: String(spares), ISOLATION: isolation })),
  );
  pools.push(pool);
  return pool;
}

/** A runner for one execution, and the right to it. */
async function take(pool: RunnerPool, executionId: string) {
  const lease = await pool.checkout(executionId, 'key', false);
  const { runner, scratch } = lease.slot;
  return { lease, pid: runner.pid, ended: runner.ended, scratch };
}

const pids = (pool: RunnerPool): number[] => pool.records().map(({ pid }) => pid);
const untilRunners = (pool: RunnerPool, count: number): Promise<unknown> =>
  until(() => pool.records().length === count, { what: `${count} runners are there` });

/** Stands where Node is and ends at once, as a broken installation would. */
async function brokenNode(): Promise<string> {
  const file = join(home, 'broken-node');
  await writeFile(file, '#!/bin/sh\necho "no such library" >&2\nexit 127\n');
  await chmod(file, 0o755);
  return file;
}

describe('a pool that is well', () => {
  it('boots its spares ahead', async () => {
    const pool = aPool(3);
    await pool.start();
    await untilRunners(pool, 3);
    expect(pids(pool).every((pid) => isAlive(pid))).toBe(true);
    expect(pool.records()[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{12}$/),
      kind: 'process',
      state: 'ACTIVE',
      pid: expect.any(Number),
      executions: 0,
      memory_mb: expect.any(Number),
      current: [],
    });
    expect(pool.problem).toBeNull();
  });

  it('hands out a spare, says for what, and boots another', async () => {
    const pool = aPool(1);
    await pool.start();
    await untilRunners(pool, 1);
    const [spare] = pids(pool);
    const runner = await take(pool, 'e-1');
    expect(runner.pid).toBe(spare);
    await untilRunners(pool, 2);
    const current = pool.records().flatMap((record) => record.current);
    expect(current).toEqual([{ execution_id: 'e-1', started_at: expect.stringMatching(/Z$/) }]);
  });

  it('gives every execution a runner and a scratch folder of its own, also without spares', async () => {
    const pool = aPool(0, 'process');
    await pool.start();
    const runners = await Promise.all(['a', 'b', 'c', 'd'].map((id) => take(pool, id)));
    expect(new Set(runners.map(({ pid }) => pid)).size).toBe(4);
    expect(new Set(runners.map(({ scratch }) => scratch)).size).toBe(4);
    for (const { scratch } of runners) expect(readdirSync(scratch)).toEqual([]);
  });

  it('retires a runner with its process and everything on its scratch folder', async () => {
    const pool = aPool(0, 'process');
    await pool.start();
    const runner = await take(pool, 'e-1');
    await writeFile(join(runner.scratch, 'left'), 'behind');
    pool.release(runner.lease);
    expect(await runner.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
    await untilGone(runner.pid);
    await until(() => !existsSync(runner.scratch), { what: 'the scratch folder is gone' });
    expect(pool.records()).toEqual([]);
    pool.release(runner.lease);
  });
});

describe('a spare that is killed from outside', () => {
  it('is replaced, with what it left', async () => {
    const pool = aPool(1, 'process');
    await pool.start();
    await untilRunners(pool, 1);
    const [victim] = pids(pool) as [number];
    process.kill(victim, 'SIGKILL');
    await until(() => pids(pool).some((pid) => pid !== victim && isAlive(pid)), { what: 'another spare' });
    expect(pids(pool)).not.toContain(victim);
    await until(() => scratches().length === 1, { what: 'the scratch folder of the dead is gone' });
    expect(pool.problem).toBeNull();
  });

  it('is never handed out once its end is known', async () => {
    const pool = aPool(1);
    await pool.start();
    await untilRunners(pool, 1);
    const [victim] = pids(pool) as [number];
    process.kill(victim, 'SIGKILL');
    const thinksItLives = () => pool.records().some(({ pid, state }) => pid === victim && state === 'ACTIVE');
    while (thinksItLives()) await new Promise((resolve) => setImmediate(resolve));
    const runner = await until(() => take(pool, 'e-1').catch(() => undefined), { what: 'a runner' });
    expect(runner.pid).not.toBe(victim);
    expect(isAlive(runner.pid)).toBe(true);
  });
});

describe('a pool that cannot boot', () => {
  it('says why, refuses at once instead of waiting, and recovers by itself', async () => {
    const node = process.execPath;
    const broken = jest.replaceProperty(process, 'execPath', await brokenNode());
    const pool = aPool(1);
    await pool.start();
    await until(() => pool.problem, { what: 'a problem is reported' });
    expect(pool.problem).toMatch(/ended while it booted \(exit code 127\): stderr: no such library/);
    await expect(take(pool, 'e-1')).rejects.toThrow(RunnerBootError);
    const atOnce = (): Promise<string> =>
      Promise.race([
        take(pool, 'e-1').then(
          () => 'given',
          () => 'refused',
        ),
        new Promise<string>((resolve) => setImmediate(resolve, 'waits')),
      ]);
    await until(async () => (await atOnce()) === 'refused', { what: 'between two tries it refuses at once' });
    broken.replaceValue(node);
    await untilRunners(pool, 1);
    expect(pool.problem).toBeNull();
    expect((await take(pool, 'e-1')).pid).toBeGreaterThan(0);
  });

  it('says so of a program that is not there, and leaves no scratch folder', async () => {
    jest.replaceProperty(process, 'execPath', join(home, 'absent'));
    const pool = aPool(1);
    await pool.start();
    await expect(take(pool, 'e-1')).rejects.toThrow(RunnerBootError);
    expect(pool.problem).toContain('ENOENT');
    await until(() => scratches().length === 0, { what: 'no scratch folder is left between two tries' });
    await pool.stop();
    expect(folders()).toEqual([]);
  });

  it('rejects every waiter', async () => {
    jest.replaceProperty(process, 'execPath', await brokenNode());
    const pool = aPool(0);
    await pool.start();
    const waiting = await Promise.allSettled(['a', 'b', 'c'].map((id) => take(pool, id)));
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });
});

describe('a pool whose runners die as soon as they are there', () => {
  it('waits longer each time, says why after the fifth, and recovers with the first that works', async () => {
    const pool = aPool(1);
    const killed = new Set<number>();
    let deadly = true;
    pool.onChange(() => {
      for (const pid of deadly ? pids(pool) : []) {
        if (killed.has(pid)) continue;
        killed.add(pid);
        process.kill(pid, 'SIGSEGV');
      }
    });
    await pool.start();
    await until(() => pool.problem, { what: 'a problem is reported' });
    expect(pool.problem).toMatch(/^5 runners in a row died before they served anything: \(SIGSEGV\)/);
    expect(killed.size).toBe(5);
    await expect(take(pool, 'e-1')).rejects.toThrow('5 runners in a row');
    deadly = false;
    const runner = await until(() => take(pool, 'e-2').catch(() => undefined), { what: 'a runner' });
    pool.release(runner.lease);
    await until(() => pool.problem === null, { what: 'one that works ends the problem' });
  });
});

describe('start and stop', () => {
  it('stop ends everything, running or not, and rejects all waiters', async () => {
    const pool = aPool(2);
    await pool.start();
    const running = await take(pool, 'e-1');
    const waiting = Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => take(pool, id)));
    await Promise.all([pool.stop(), pool.stop()]);
    await untilGone(running.pid);
    for (const { status } of await waiting) expect(['fulfilled', 'rejected']).toContain(status);
    expect(pool.records()).toEqual([]);
    expect(folders()).toEqual([]);
    await expect(take(pool, 'late')).rejects.toThrow('stopped');
  });

  it('may be stopped before it was started, and while it starts', async () => {
    const pool = aPool(1);
    await pool.stop();
    const starting = pool.start();
    await pool.stop();
    await starting;
    await pool.stop();
    expect(pool.records()).toEqual([]);
    expect(folders()).toEqual([]);
  });

  it('starts twice without a second set of runners', async () => {
    const pool = aPool(1);
    await Promise.all([pool.start(), pool.start()]);
    await untilRunners(pool, 1);
    expect(folders()).toHaveLength(1);
  });

  it('fifty times leaves no process, no descriptor and no folder', async () => {
    const cycle = async (n: number): Promise<void> => {
      const pool = aPool(2);
      await pool.start();
      // In every stage of the boot: none, some, all of the runners are there.
      if (n % 3 === 1) await until(() => pool.records().length > 0, { what: 'a runner' });
      if (n % 3 === 2) pool.release((await take(pool, `e-${n}`)).lease);
      await pool.stop();
      expect(pool.records()).toEqual([]);
      expect(folders()).toEqual([]);
      expect(processes()).toEqual([]);
    };
    await cycle(2);
    const descriptors = readdirSync('/proc/self/fd').length;
    for (let n = 0; n < 50; n++) await cycle(n);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(descriptors);
  });
});
