import { Logger } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { failedChecks, type IsolationReport } from '../../../src/contract/isolation-report.js';
import type { Confinement } from '../../../src/contract/confinement.js';
import type { IsolationLevel, StartCommand } from '../../../src/isolation/isolation-level.js';
import { CompilerPool } from '../../../src/compile/compiler-pool.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { attackItself } from '../../../src/executor/self-test/attack-itself.js';
import { compilerCheck } from '../../../src/executor/self-test/compiler-check.js';
import { withoutPermissionModel } from '../../../src/executor/self-test/without-node.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { compilerSettings, runnerSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);

const redis = useRedis();
const isRoot = process.getuid?.() === 0;
/** Other workers of this machine may test themselves at this moment. */
const MARK = `bifrost-self-test-${process.pid}-`;

async function reportOf(
  settings: Record<string, string>,
  change: (level: IsolationLevel) => IsolationLevel = (level) => level,
): Promise<IsolationReport> {
  const wanted = settingsOf({ REDIS_URL: redis.url, ...settings });
  const factory = await RunnerFactory.open(runnerSettings.of(wanted));
  const compilers = new CompilerPool(compilerSettings.of(wanted));
  try {
    Object.assign(factory.choice, { level: change(factory.choice.level) });
    return await attackItself(runnerSettings.of(wanted), factory, compilers);
  } finally {
    await Promise.all([compilers.stop(), factory.close()]);
  }
}

/**
 * What needs no confinement when the tests do not run as root: an ordinary user has no capabilities and
 * cannot become root, and the worker hides itself from its own user.
 */
const HELD_WITHOUT_ROOT = ['become-root', 'privileges', 'worker-memory', 'worker-environment'];

const NOTHING: Confinement = {
  parentPid: null,
  uid: null,
  maxTasks: null,
  hidden: false,
  files: null,
  filter: false,
  sharedUser: true,
  recordLocks: false,
};

describe('the check of compilers', () => {
  const any = () => ({
    pids: [process.pid],
    promised: { confinement: { ...NOTHING, uid: 4242, filter: true }, namespaces: true },
  });

  it('fails when one is not kept apart, or cannot be looked at', async () => {
    const bare = await compilerCheck({ any: () => Promise.resolve(any() as never) });
    expect(bare).toMatchObject({ name: 'compilers', outcome: 'failed' });
    expect(bare.detail).toMatch(/system-calls: .*own-user: .*namespaces: /);
    const gone = await compilerCheck({ any: () => Promise.reject(new Error('no memory')) });
    expect(gone).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('no memory') });
  });
});

describe('the self-test of the isolation', () => {
  it.each([
    ['namespace', 'spawn'],
    ['namespace', 'fork'],
    ['process', 'spawn'],
  ])('finds that everything holds at the level %s (%s)', async (ISOLATION, RUNNER_START) => {
    const report = await reportOf({ ISOLATION, RUNNER_START });
    expect(failedChecks(report)).toEqual([]);
    expect(report).toMatchObject({ level: ISOLATION, network: 'none' });
    // Without Landlock an ordinary user's files are kept by Node alone.
    expect(ISOLATION === 'namespace' ? ['A'] : ['B', 'C']).toContain(report.grade);
  });

  describe('of a runner that nothing confines', () => {
    let report: IsolationReport;
    const before = new Set(readdirSync(tmpdir()));
    beforeAll(async () => {
      const bare = (level: IsolationLevel): IsolationLevel => {
        const open = withoutPermissionModel(level);
        const command: IsolationLevel['command'] = (place, args) => leavingOpen(open.command(place, args));
        return { ...open, confinement: () => NOTHING, command };
      };
      report = await reportOf({ ISOLATION: 'process', NETWORK: 'open' }, bare);
    });

    it('finds that nothing holds', () => {
      const expected = report.checks.filter(({ outcome }) => outcome !== 'not_applicable');
      // Compilers were confined as ever.
      const ofRunner = expected.filter(({ name }) => name !== 'compilers');
      const held = ofRunner.filter(({ outcome }) => outcome === 'held').map(({ name }) => name);
      expect(held.filter((name) => isRoot || !HELD_WITHOUT_ROOT.includes(name))).toEqual([]);
      expect(report.grade).toBe('D');
    });

    it('leaves no file and no process', () => {
      const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      const left = processes.filter((pid) => commandOf(pid).includes(MARK));
      const files = readdirSync(tmpdir()).filter((name) => !before.has(name));
      expect([left, files.filter((name) => name.startsWith(MARK))]).toEqual([[], []]);
    });
  });

  it('says that Redis can be used where the network is open and it wants no password', async () => {
    const report = await reportOf({ NETWORK: 'open' });
    expect([report.grade, failedChecks(report)]).toEqual(['D', expect.arrayContaining(['redis'])]);
  });

  it('fails when no runner boots', async () => {
    const broken = (level: IsolationLevel): IsolationLevel =>
      Object.assign(withoutPermissionModel(level), {
        command: (...[place, args]: Parameters<IsolationLevel['command']>) => ({
          ...level.command(place, args),
          file: '/bin/false',
        }),
      });
    const report = await reportOf({ ISOLATION: 'process' }, broken);
    expect([report.grade, failedChecks(report)]).toEqual(['D', ['self-test']]);
  });
});

/** As of a worker that hands on what it was started with. */
const leavingOpen = ({ file, args, ...command }: StartCommand): StartCommand => ({
  ...command,
  file: '/bin/sh',
  args: ['-c', 'exec "$0" "$@" 9</etc/passwd', file, ...args],
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
