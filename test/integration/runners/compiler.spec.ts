import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { CompileError, CompileLimitError } from '../../../src/compile/compile-error.js';
import { useCompilers } from '../../support/compilers.js';
import { until } from '../../support/until.js';

const doubling = (members: number): string =>
  `enum E { m0 = "xxxxxxxxxxxxxxxx", ${Array.from({ length: members }, (_, at) => `m${at + 1} = m${at} + m${at}`).join(', ')} }`;

/** More than exponential parsing gets through in a lifetime. */
const endless = (n: number): string => `${'a ? (b, c) : d => '.repeat(n)}e`;

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );

interface Process {
  pid: number;
  parent: number;
  commandLine: string;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const commandLine = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent, commandLine }];
      } catch {
        return [];
      }
    });
}

/** The processes of compilers that this process has started, with their programs. */
function compilerProcesses(): Process[] {
  const all = processes();
  const own = descendants(all, new Set([process.pid]));
  const hosts = all.filter(({ pid, commandLine }) => own.has(pid) && commandLine.includes('compiler.cjs'));
  const found = descendants(all, new Set(hosts.map(({ pid }) => pid)));
  return all.filter(({ pid }) => found.has(pid));
}

function descendants(all: readonly Process[], found: Set<number>): Set<number> {
  const { size } = found;
  for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  return found.size === size ? found : descendants(all, found);
}

describe.each(['namespace', 'process'])('compilers at the level %s', (ISOLATION) => {
  const { pool, compile } = useCompilers({ ISOLATION, CONCURRENCY: '2', COMPILE_CPU_SECONDS: '1' });

  it('begin with one process', async () => {
    await pool.start();
    await until(() => pool.size > 0, { what: 'a compiler' });
    expect(pool.size).toBe(1);
  });

  it('loads swc after it has sealed itself, for the metadata of decorators alone', async () => {
    const tsconfig = '{"compilerOptions":{"experimentalDecorators":true,"emitDecoratorMetadata":true}}';
    const { source } = await compile('class A { @d() at: Date }', { tsconfig });
    expect(source).toContain('_ts_metadata("design:type", __bifrost_type(() => Date))');
  });

  it('compile TypeScript, say what is wrong with it, and show the variables of a script', async () => {
    const { source, format } = await compile('import "node:fs"; const a: number = 1;');
    expect(format).toBe('module');
    expect(source).toContain('const a = 1;');
    expect(await failureOf(compile('const = 1'))).toBeInstanceOf(CompileError);
    expect((await compile('let a = 1', { probe: true })).source).toContain('get a()');
  });

  it('keep what they have made, by path and source', async () => {
    const [first, second] = await Promise.all([compile('let kept = 1'), compile('let kept = 1')]);
    expect(second).toBe(first);
    expect(await compile('let kept = 1')).toBe(first);
    expect(await compile('let kept = 1', { path: 'b.ts' })).not.toBe(first);
    expect(await compile('let kept = 1', { probe: true })).not.toBe(first);
  });

  it.each<[string, string, CompileLimitError['limit']]>([
    ['a deep stack', `${'~'.repeat(450_000)}x`, 'memory'],
    ['deep parentheses', `${'('.repeat(400_000)}1${')'.repeat(400_000)}`, 'memory'],
    ['a long chain of conditions', `${'a?'.repeat(300_000)}b${':c'.repeat(300_000)}`, 'memory'],
    ['code that doubles with each member', doubling(26), 'memory'],
    ['more output than its size allows', doubling(18), 'output'],
    ['exponential parsing', endless(60), 'time'],
    ['nested functions', `${'function f(){'.repeat(60_000)}${'}'.repeat(60_000)}`, 'time'],
    [
      'more imports than are looked for',
      Array.from({ length: 2_001 }, (_, at) => `import('./m${at}');`).join(''),
      'imports',
    ],
    ['a source that is too large', ' '.repeat(2_097_153), 'source'],
  ])('refuse %s, once for all callers', async (_, source, limit) => {
    const innocents = Array.from({ length: 5 }, (__, at) => compile(`let innocent: ${limit} = ${at}`));
    const failure = await failureOf(compile(source, { probe: true }));
    expect(failure).toBeInstanceOf(CompileLimitError);
    // Where the limit of the CPU time comes before that of the memory, that is a refusal too.
    expect((failure as CompileLimitError).limit).toMatch(new RegExp(`^(${limit}|time)$`));
    for (const { format } of await Promise.all(innocents)) expect(format).toBe('commonjs');
    const again = (await failureOf(compile(source, { probe: true }))) as CompileLimitError;
    expect(again.message).toBe((failure as CompileLimitError).message);
    // The same error: no process was asked again.
    if (limit !== 'source') expect(again).toBe(failure);
  });

  it('are ended when the execution is out of time, and others are ready', async () => {
    const failure = await failureOf(compile(endless(61), { timeoutMs: 200 }));
    expect((failure as Error).name).toBe('TimeoutError');
    expect((await compile('let after = 1')).format).toBe('commonjs');
    await until(() => pool.size >= 2, { what: 'another compiler' });
  });

  it('that are killed from outside lose no source', async () => {
    const sources = Array.from({ length: 50 }, (_, at) => compile(`let killed: number = ${at}`));
    for (let kills = 0; kills < 3; kills += 1) {
      await until(() => compilerProcesses().length > 0, { what: 'a compiler' });
      for (const { pid } of compilerProcesses()) kill(pid);
    }
    for (const { format } of await Promise.all(sources)) expect(format).toBe('commonjs');
  });

  it('have a user, a network and a filter of their own, and nothing of the environment', async () => {
    await compile('let confined = 1');
    // One that was started meanwhile confines itself while it boots.
    await until(
      () => {
        const mine = compilerProcesses().filter(({ commandLine }) => !commandLine.includes('bwrap'));
        return mine.length >= 2 && mine.every(({ pid }) => isConfined(pid));
      },
      { what: 'confined processes and nothing else' },
    );
  });

  it('leave no process when they are stopped', async () => {
    await pool.stop();
    await pool.stop();
    await until(() => compilerProcesses().length === 0, { what: 'their end' });
    expect((await compile('let again = 1')).format).toBe('commonjs');
  });
});

function isConfined(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const ownUser = process.getuid?.() !== 0 || !/^Uid:\s+0\s/m.test(status);
  return (
    ownUser &&
    /^NoNewPrivs:\s+1$/m.test(status) &&
    /^Seccomp:\s+2$/m.test(status) &&
    /^CapEff:\s+0+$/m.test(status)
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
