import { describe, expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { isAlive } from '../../lib/process/is-alive.js';
import { until } from '../../../test/support/until.js';
import { runGuarded } from './guarded-process.js';

const run = (script: string, changes: Partial<Parameters<typeof runGuarded>[0]> = {}) =>
  runGuarded({
    command: process.execPath,
    args: ['-e', script],
    cwd: tmpdir(),
    env: {},
    timeoutMs: 120_000,
    outputLimitBytes: 1_000,
    ...changes,
  });

describe('runGuarded', () => {
  it('gives the exit code and both outputs', async () => {
    const outcome = await run('console.log("out"); console.error("err"); process.exitCode = 7');
    expect(outcome).toEqual({ ending: 'exited', exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('calls back for each line of stderr, however it is cut', async () => {
    const lines: string[] = [];
    const script = 'process.stderr.write("on", () => process.stderr.write("e\\ntwo\\nrest"))';
    const outcome = await run(script, { onErrorLine: (line) => lines.push(line) });
    expect([lines, outcome.stderr]).toEqual([['one', 'two'], 'one\ntwo\nrest']);
  });

  it('passes arguments on as they are', async () => {
    const hostile = ['$(id)', '; id', '"', "'", '`id`', '-x', ''];
    const outcome = await run('', {
      args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...hostile],
    });
    expect(JSON.parse(outcome.stdout)).toEqual(hostile);
  });

  it('keeps the end of a large output', async () => {
    const { stdout } = await run('process.stdout.write("x".repeat(5_000_000) + "end")');
    expect(stdout.endsWith('end')).toBe(true);
    expect(stdout.length).toBeLessThan(1_200);
  });

  it('kills the whole group at the time limit', async () => {
    // A shell is there in a moment, however busy the machine: the grandchild is named before the limit.
    const { ending, stdout } = await run('', {
      command: '/bin/sh',
      args: ['-c', 'sleep 1000 & echo $!; wait'],
      timeoutMs: 3_000,
    });
    expect(ending).toBe('timed_out');
    await until(() => !isAlive(Number(stdout)), { what: 'the grandchild is gone' });
  });

  it('kills what is left when the program has ended', async () => {
    const { ending, stdout } = await run(
      'const c = require("child_process").spawn("sleep", ["1000"], { stdio: "ignore" }); c.unref(); console.log(c.pid)',
    );
    expect(ending).toBe('exited');
    await until(() => !isAlive(Number(stdout)), { what: 'the grandchild is gone' });
  });

  it('ends by its signal, also by one that was aborted before', async () => {
    const stop = new AbortController();
    const running = run('setInterval(() => {}, 1e6)', { signal: stop.signal });
    stop.abort();
    expect((await running).ending).toBe('aborted');
    expect((await run('', { signal: stop.signal })).ending).toBe('aborted');
  });

  it('rejects when the program cannot be started in that folder', async () => {
    await expect(run('', { cwd: '/does/not/exist' })).rejects.toThrow('ENOENT');
  });
});
