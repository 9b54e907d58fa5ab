import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { transform } from '../../../src/compile/inside/transform.js';
import { runnerSettings } from '../../../src/config/slices.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { runOnce } from '../../../src/executor/process/run-once.js';
import type { RunnerProcess } from '../../../src/executor/process/runner-process.js';
import { parentOf } from '../../support/processes/process-facts.js';
import { sharedDescriptions } from '../../support/processes/shared-descriptions.js';
import { settingsOf } from '../../support/parts.js';
import { RANDOM_VALUES } from '../../support/runners/random-values.js';
import { until } from '../../support/until.js';

Logger.overrideLogger(false);

const isRoot = process.getuid?.() === 0;

const open = (changes: Record<string, string> = {}): Promise<RunnerFactory> =>
  RunnerFactory.open(
    runnerSettings.of(settingsOf({ ISOLATION: 'namespace', RUNNER_START: 'fork', ...changes })),
  );

const statusOf = (pid: number): Map<string, string> =>
  new Map(
    readFileSync(`/proc/${pid}/status`, 'latin1')
      .split('\n')
      .map((line) => line.split(/:\s+/, 2) as [string, string]),
  );

/** The keeper of a runner, and the template that both were forked of. */
const keeperOf = ({ pid }: RunnerProcess): number => parentOf(pid);
const templateOf = (runner: RunnerProcess): number => parentOf(keeperOf(runner));

async function ended(runner: RunnerProcess): Promise<void> {
  runner.kill();
  await runner.ended;
  await runner.place.remove();
}

/** As the compiler leaves a module of the workspace. */
const compiled = async (source: string): Promise<string> => {
  const swc = (): never => {
    throw new Error('nothing here asks for it');
  };
  const module = { op: 'compile', path: 'own.js', source, rootUrl: 'file:///bifrost/' } as const;
  return (await transform({ build, swc }, { ...module, probe: false, outputLimitChars: Infinity })).source;
};

describe('forked runners', () => {
  let factory: RunnerFactory;
  beforeAll(async () => {
    factory = await open();
  });
  afterAll(async () => {
    await factory.close();
  });

  it('come of one template, with processes, mounts, user, rights and filter of their own', async () => {
    const [one, other] = [await factory.boot(), await factory.boot()];
    try {
      expect([one.start, other.start, factory.way]).toEqual([
        'fork',
        'fork',
        { start: 'fork', reason: null },
      ]);
      expect(templateOf(one)).toBe(templateOf(other));
      const status = statusOf(one.pid);
      expect(status.get('NSpid')?.split('\t').at(-1)).toBe('2');
      expect(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => status.get(set))).toEqual(
        Array.from({ length: 5 }, () => '0000000000000000'),
      );
      expect([status.get('Seccomp'), status.get('NoNewPrivs')]).toEqual(['2', '1']);
      if (isRoot)
        expect(status.get('Uid')?.split('\t')[0]).not.toBe(statusOf(other.pid).get('Uid')?.split('\t')[0]);
      for (const name of ['pid', 'mnt', 'ipc', 'uts', ...(isRoot ? [] : ['user'])]) {
        const namespaces = [one.pid, other.pid, templateOf(one), process.pid].map((pid) =>
          readlinkSync(`/proc/${pid}/ns/${name}`),
        );
        expect(new Set(namespaces).size).toBe(4);
      }
    } finally {
      await Promise.all([ended(one), ended(other)]);
    }
  });

  it('share no open file and no writable memory with the template or each other', async () => {
    const [one, other] = [await factory.boot(), await factory.boot()];
    try {
      const template = templateOf(one);
      for (const [a, b] of [
        [template, one.pid],
        [template, other.pid],
        [one.pid, other.pid],
      ] as const)
        expect(sharedDescriptions(a, b)).toEqual([]);
      // Of a process with itself it finds each, so that finding none says something.
      expect(sharedDescriptions(one.pid, one.pid).length).toBeGreaterThan(5);
      const shared = readFileSync(`/proc/${one.pid}/maps`, 'latin1')
        .split('\n')
        .filter((line) => / ..[-x]s /.test(line));
      expect(shared.filter((line) => !line.includes('[v'))).toEqual([]);
    } finally {
      await Promise.all([ended(one), ended(other)]);
    }
  });

  it('draw random numbers of their own', async () => {
    const seen: string[] = [];
    for (let child = 0; child < 12; child++)
      seen.push(...((await runOnce(await factory.boot(), RANDOM_VALUES)) as string[]));
    expect(seen).toHaveLength(12 * 12);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it.each([
    ['once', '1'],
    ['again', '0'],
  ])('have ahead of their execution what each writes to, when they serve %s', async (use, most) => {
    const served = await open({ RUNNER_MAX_EXECUTIONS: most });
    const faultsOf = (pid: number): number => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[7]);
    };
    const runner = await served.boot();
    const before = faultsOf(runner.pid);
    let faults = Infinity;
    await runOnce(runner, await compiled('export default () => 1'), {
      keep: use === 'again',
      onReturned: ({ pid }) => void (faults = faultsOf(pid) - before),
    });
    // It was 273 of them when each page was copied at its first use, and 97 when no rehearsal had a source map.
    expect(before).toBeGreaterThan(300);
    expect(faults).toBeLessThan(60);
    await served.close();
  });

  it.each(['1', '0'])('leave nothing of the rehearsals to code, of at most %s executions', async (most) => {
    const served = await open({ RUNNER_MAX_EXECUTIONS: most });
    const source = `import { createRequire, builtinModules } from 'node:module';
      const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
      Error.stackTraceLimit = 50;
      let depth = 0;
      process.once('test', () => { depth = new Error().stack.split('\\n').length });
      process.emit('test');
      const messageOf = (work) => { try { return work() } catch (error) { return error.message } };
      export default (p, context) => ({
        listeners, depth, keys: Reflect.ownKeys(process).map(String).toSorted(), pid: process.pid, argv: process.argv.slice(1), env: { ...process.env }, exitCode: process.exitCode ?? null,
        variables: context.variables, cwd: process.cwd(), cached: Object.keys(createRequire(import.meta.url).cache).map((file) => file.replace(/.*\\/(process|template)\\.cjs$/, 'runner')),
        globals: Object.keys(globalThis).includes('doubled'), addon: messageOf(() => process.dlopen({ exports: {} }, '/some.node')), ffi: process.permission.has('ffi'), net: process.permission.has('net'),
      })`;
    const forked = await served.boot();
    const started = await served.bootAside(served.choice.level, 'spawn');
    const pids = [forked.pid, started.pid];
    const results = [await runOnce(forked, source), await runOnce(started, source)].map((value, index) => {
      const seen = value as { pid: number };
      return { ...seen, pid: seen.pid === pids[index] };
    });
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).toMatchObject({ pid: true, ffi: false, net: false, cached: ['runner'] });
    expect(results[0]).toMatchObject({ addon: expect.stringContaining('the setting NATIVE_ADDONS') });
    await served.close();
  });

  it('end as started runners do, and leave no process', async () => {
    const endOf = async (source: string): Promise<unknown> => {
      const runner = await factory.boot();
      const keeper = keeperOf(runner);
      await runOnce(runner, source).catch(() => undefined);
      const { exitCode, signal } = await runner.ended;
      await until(() => !existsSync(`/proc/${keeper}`), { what: 'the keeper is gone' });
      return exitCode ?? signal;
    };
    expect(await endOf('export default () => { process.exit(7) }')).toBe(7);
    expect(await endOf('export default () => { process.abort() }')).toBe('SIGABRT');
    expect(
      await endOf(
        'export default () => { process.kill(process.pid, "SIGTERM"); return new Promise(() => {}) }',
      ),
    ).toBe('SIGTERM');
    expect(await endOf('export default () => 1')).toBe('SIGKILL');
  });

  it('use nothing up: after many ends the template has what it had', async () => {
    const first = await factory.boot();
    const template = templateOf(first);
    await ended(first);
    const children = (): string =>
      readFileSync(`/proc/${template}/task/${template}/children`, 'latin1').trim();
    const held = async (): Promise<[number, number]> => {
      // An end is told before the template has collected the keeper.
      await until(() => children() === '', { what: 'the template has collected its children' });
      return [
        readdirSync(`/proc/${template}/fd`).length,
        Number(statusOf(template).get('VmRSS')?.split(' ')[0]),
      ];
    };
    const round = async (): Promise<void> => {
      for (let child = 0; child < 10; child++) await ended(await factory.boot());
    };
    await round();
    const before = await held();
    for (let rounds = 0; rounds < 3; rounds++) await round();
    const after = await held();
    expect(after[0]).toBe(before[0]);
    expect(after[1] - before[1]).toBeLessThan(256);
  });
});

it.each(['none', 'open'] as const)(
  'forked runners that may have the whole network are sealed by what the execution has: %s',
  async (network) => {
    const factory = await open({ NETWORK: 'open' });
    const source = `import { connect } from 'node:net';
      export default () => new Promise((resolve) => connect(9, '127.0.0.1').once('error', ({ code }) => resolve(code)));`;
    const filters: string[] = [];
    const note = ({ pid }: RunnerProcess): void =>
      void filters.push(statusOf(pid).get('Seccomp_filters') ?? '');
    try {
      const answers: unknown[] = [];
      for (const start of ['fork', 'spawn'] as const) {
        const runner = await factory.bootAside(factory.choice.level, start);
        expect(runner.start).toBe(start);
        note(runner);
        answers.push(await runOnce(runner, source, { network, onReturned: note }));
      }
      expect(answers[0]).toBe(answers[1]);
      expect(answers[0]).toBe(network === 'open' ? 'ECONNREFUSED' : 'ERR_ACCESS_DENIED');
      expect(filters).toEqual(['1', '2', '1', '2']);
    } finally {
      await factory.close();
    }
  },
);

describe('a template', () => {
  it('whose child crashed is not used again, nor are its spares', async () => {
    const factory = await open();
    try {
      const crashing = await factory.boot();
      const spare = await factory.boot();
      const template = templateOf(crashing);
      await runOnce(
        crashing,
        'export default () => { process.kill(process.pid, "SIGSEGV"); return new Promise(() => {}) }',
      ).catch(() => undefined);
      expect(spare.state).toBe('PENDING_KILL');
      expect(factory.way).toEqual({ start: 'spawn', reason: expect.stringContaining('SIGSEGV') });
      await ended(spare);
      await until(() => !existsSync(`/proc/${template}`), { what: 'the template ends with its last child' });
    } finally {
      await factory.close();
    }
  });

  it('is replaced after its number of children, while it is used until the next is ready', async () => {
    const factory = await open({ TEMPLATE_MAX_CHILDREN: '3' });
    try {
      const templates = new Set<number>();
      await until(
        async () => {
          const runner = await factory.boot();
          expect(runner.start).toBe('fork');
          templates.add(templateOf(runner));
          await ended(runner);
          return templates.size > 1;
        },
        { what: 'another template' },
      );
    } finally {
      await factory.close();
    }
  });

  it('that is killed takes its children along, and another takes its place', async () => {
    const factory = await open();
    try {
      const runner = await factory.boot();
      const [template, keeper] = [templateOf(runner), keeperOf(runner)];
      process.kill(template, 'SIGKILL');
      await expect(runner.ended).resolves.toEqual({ exitCode: null, signal: 'SIGKILL' });
      await until(() => ![template, keeper, runner.pid].some((pid) => existsSync(`/proc/${pid}`)), {
        what: 'none of its processes is left',
      });
      await runner.place.remove();
      const next = await factory.boot();
      expect([next.start, templateOf(next) === template]).toEqual(['fork', false]);
      await ended(next);
    } finally {
      await factory.close();
    }
  });
});
