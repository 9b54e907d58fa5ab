import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunnerSettings, runnerSettings } from '../../../src/config/slices.js';
import { RunnerFactory } from '../../../src/executor/pool/runner-factory.js';
import { runOnce } from '../../../src/executor/process/run-once.js';
import { settingsOf } from '../../support/parts.js';
import { BUSY, OddTemplates } from '../../support/runners/odd-templates.js';

Logger.overrideLogger(false);

const runners = (changes: Record<string, string>): RunnerSettings => runnerSettings.of(settingsOf(changes));
let odd: OddTemplates;

beforeEach(async () => {
  odd = await OddTemplates.open();
});

afterEach(async () => {
  await odd.close();
});

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
  const templates = odd.that(does);
  try {
    await expect(templates.ready()).rejects.toThrow(reason);
    expect(templates.problem).toMatch(reason);
    // At once, until it is tried again.
    await expect(templates.ready()).rejects.toThrow(reason);
  } finally {
    await templates.close();
  }
});

/** The kernel answers one system call by EPERM, as one that a policy hardens does. */
const refusing = (number: number): string => `{
  const ffi = process.getBuiltinModule('node:ffi');
  const { prctl } = ffi.dlopen(null, { prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' } }).functions;
  const program = Buffer.alloc(32);
  [[0x20, 0, 0, 0], [0x15, 0, 1, ${number}], [0x06, 0, 0, 0x50001], [0x06, 0, 0, 0x7fff0000]].forEach(([code, yes, no, k], at) => {
    program.writeUInt16LE(code, 8 * at);
    program[8 * at + 2] = yes;
    program[8 * at + 3] = no;
    program.writeUInt32LE(k, 8 * at + 4);
  });
  const named = Buffer.alloc(16);
  named.writeUInt16LE(4, 0);
  named.writeBigUInt64LE(ffi.getRawPointer(program), 8);
  if (prctl(38, 1n, 0n, 0n, 0n) !== 0 || prctl(22, 2n, ffi.getRawPointer(named), 0n, 0n) !== 0) throw new Error('no filter');
}`;
const MOUNT = 165;
const SECCOMP = 317;

it.each([
  ['lets children make no mounts', refusing(MOUNT), /could not be confined: step and error 2001/],
  ['lets children set no filter', refusing(SECCOMP), /could not set its filter: error 1/],
  [
    'is none that we know',
    `process.getBuiltinModule('node:ffi').dlsym = () => { throw new Error('no __rseq_offset') }`,
    /__rseq_offset/,
  ],
])('a system that %s has no templates, and says so', async (_what, does, reason) => {
  const templates = odd.that(does);
  try {
    await expect(templates.ready()).rejects.toThrow(reason);
    expect(templates.problem).toMatch(reason);
  } finally {
    await templates.close();
  }
});

it('the last words of a child are read where its end is noticed before its connections', async () => {
  const templates = odd.that(refusing(SECCOMP));
  // What comes over several sockets meanwhile is read in one turn.
  const busy = setInterval(() => {
    const until = performance.now() + 20;
    while (performance.now() < until);
  });
  try {
    await expect(templates.ready()).rejects.toThrow(/could not set its filter: error 1/);
  } finally {
    clearInterval(busy);
    await templates.close();
  }
});

it('a template that is frozen in the middle of work has children that are right, or is none', async () => {
  const seen = { frozen: 0, refused: 0 };
  for (let round = 0; round < 3; round++) {
    const templates = odd.that(BUSY, true);
    try {
      const child = await odd.boot(templates);
      expect(await runOnce(child, 'export default ({ n }) => n + 1', { parameters: { n: round } })).toBe(
        round + 1,
      );
      seen.frozen += 1;
    } catch (error) {
      expect((error as Error).message).toMatch(/never all at rest/);
      seen.refused += 1;
    } finally {
      await templates.close();
    }
  }
  expect(seen.frozen + seen.refused).toBe(3);
  expect(seen.frozen).toBeGreaterThan(0);
});

it('a native piece that this system does not load is no template, and says so', async () => {
  writeFileSync(join(odd.dir.path, 'freezer.so'), 'of another architecture');
  const templates = odd.that('');
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
