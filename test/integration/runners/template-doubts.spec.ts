import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunnerSettings, runnerSettings } from '../../../src/config/slices.js';
import { processKind } from '../../../src/executor/kinds/process-kind.js';
import { accessOf, RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { bundleRunners } from '../../../src/executor/process/runner-bundle.js';
import { Templates } from '../../../src/executor/template/templates.js';
import { resourceLimitsOf } from '../../../src/executor/supervision/limits.js';
import { candidates } from '../../../src/isolation/candidates.js';
import type { IsolationLevel } from '../../../src/isolation/isolation-level.js';
import { RuntimeDir } from '../../../src/isolation/runtime-dir.js';
import { settingsOf } from '../../support/parts.js';

Logger.overrideLogger(false);

const runners = (changes: Record<string, string>): RunnerSettings => runnerSettings.of(settingsOf(changes));
const settings = runners({ ISOLATION: 'namespace' });
let dir: RuntimeDir;
let level: IsolationLevel;
let program: string;

beforeEach(async () => {
  dir = await RuntimeDir.create();
  const bundles = bundleRunners(dir.path, ['process']);
  program = bundleRunners(dir.path, ['template'])['template'] as string;
  const [found] = candidates({ settings: settings.isolation, dir, access: accessOf(settings, bundles) });
  if (!found || !('level' in found)) throw new Error(found?.unavailable);
  ({ level } = found);
});

afterEach(async () => {
  await dir.remove();
});

/** Templates whose program first does this, as a Node that we do not know might. */
function templatesThat(does: string): Templates {
  writeFileSync(program, `${does};\n${readFileSync(program, 'utf8')}`);
  const launch = {
    kind: processKind,
    slots: 1,
    bundles: {},
    packageSets: settings.packageSets,
    network: 'none' as const,
    outlet: null,
    heapMb: 192,
    memoryMb: 256,
    maxExecutions: 1,
    resources: resourceLimitsOf(settings),
    frameLimitBytes: 1e7,
    nativeAddons: false,
  };
  const rules = { maxChildren: 100, maxAgeMs: 1e9 };
  return new Templates({ launch, dir: dir.path, program, rules, isForFew: false }, level, () => undefined);
}

/** Memory that children would share, mapped past Node. */
const SHARED_MEMORY = `process.getBuiltinModule('node:ffi').dlopen(null, {
  mmap: { arguments: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'u64' },
}).functions.mmap(0n, 65536n, 3, 0x21, -1, 0n)`;

/** A thread of the pool that is never at rest. */
const BUSY_THREAD = `const busy = () => require('node:crypto').pbkdf2('a', 'b', 1e8, 64, 'sha512', busy); busy()`;

it.each([
  [
    'has an open file that is not known',
    `require('node:fs').openSync(__filename)`,
    /descriptor \d+ is of an unknown kind: \/.*template\.cjs/,
  ],
  [
    'has a descriptor of an unknown kind',
    `require('node:fs').watch(__filename)`,
    /descriptor \d+ is of an unknown kind: anon_inode:inotify/,
  ],
  ['shares memory', SHARED_MEMORY, /memory that is shared, of 65536/],
  ['has a thread that is never at rest', BUSY_THREAD, /never all at rest/],
  ['ends by itself', 'process.exit(3)', /ended while it booted \(exit code 3\)/],
  [
    'fails at a rehearsal',
    `console.log = () => { throw new Error('not here') }`,
    /a rehearsal failed: not here/,
  ],
])('a template that %s is none, and says so', async (_what, does, reason) => {
  const templates = templatesThat(does);
  try {
    await expect(templates.ready()).rejects.toThrow(reason);
    expect(templates.problem).toMatch(reason);
    // At once, until it is tried again.
    await expect(templates.ready()).rejects.toThrow(reason);
  } finally {
    await templates.close();
  }
});

it('a native piece that this system does not load is no template, and says so', async () => {
  writeFileSync(join(dir.path, 'freezer.so'), 'of another architecture');
  const templates = templatesThat('');
  try {
    await expect(templates.ready()).rejects.toThrow(/freezer\.so: (file too short|invalid ELF header)/);
  } finally {
    await templates.close();
  }
});

it('an unknown start is refused, and so is a fork that cannot be', async () => {
  expect(() => settingsOf({ RUNNER_START: 'clone' })).toThrow(/RUNNER_START/);
  expect(() => settingsOf({ RUNNER_START: 'fork', RUNNER: 'thread', TRUSTED_CODE: 'true' })).toThrow(
    /RUNNER_START: must be auto or spawn/,
  );
  const refused = RunnerFactory.open(runners({ RUNNER_START: 'fork', ISOLATION: 'process' }));
  await expect(refused).rejects.toThrow(
    /RUNNER_START: fork does not work here: the level process has no templates; set it to auto or spawn/,
  );
});

it('where runners cannot be forked, RUNNER_START=auto starts them and says why', async () => {
  const factory = await RunnerFactory.open(runners({ RUNNER_START: 'auto', ISOLATION: 'process' }));
  try {
    expect(factory.way).toEqual({ start: 'spawn', reason: 'the level process has no templates' });
    const runner = await factory.boot();
    expect(runner.start).toBe('spawn');
    runner.kill();
    await runner.ended;
    await runner.place.remove();
  } finally {
    await factory.close();
  }
});
