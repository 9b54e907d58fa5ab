import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { LogOutput } from './log-output.js';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** An output whose writes end as given: a number of bytes taken, or an error. */
function outputThat(...ends: (number | Error)[]) {
  const written: string[] = [];
  const output = new LogOutput(
    (bytes) => {
      const end = ends.shift() ?? bytes.length;
      if (end instanceof Error) throw end;
      const taken = Math.min(end, bytes.length);
      written.push(bytes.toString('utf8', 0, taken));
      return taken;
    },
    (count) => `lost ${count}`,
  );
  return { output, text: () => written.join('') };
}

describe('LogOutput', () => {
  it('writes a line at once, and those that follow closely together', () => {
    const { output, text } = outputThat();
    output.write('one\n');
    expect(text()).toBe('one\n');
    output.write('two\n');
    output.write('three\n');
    expect(text()).toBe('one\n');
    output.flush();
    expect(text()).toBe('one\ntwo\nthree\n');
  });

  it('keeps what a full pipe does not take, in order', () => {
    const { output, text } = outputThat(2, failure('EAGAIN'), failure('EAGAIN'));
    output.write('öne\n');
    output.write('two\n');
    output.flush();
    output.finish();
    expect(text()).toBe('öne\ntwo\n');
  });

  it('says how many lines were lost when it can write again', () => {
    const { output, text } = outputThat(failure('EPIPE'), failure('ENOSPC'), failure('ENOSPC'));
    for (const line of ['1\n', '2\n']) output.write(line);
    output.flush();
    output.write('3\n');
    output.flush();
    output.write('4\n');
    output.flush();
    output.write('5\n');
    output.flush();
    expect(text()).toBe('lost 3\n4\n5\n');
  });

  it('holds a bounded number of bytes while a pipe is full', () => {
    const { output, text } = outputThat(...Array.from({ length: 1_000 }, () => failure('EAGAIN')));
    const line = `${'x'.repeat(1_023)}\n`;
    for (let count = 0; count < 10_000; count++) output.write(line);
    output.finish();
    expect(text()).toBe('');
    const late = outputThat(failure('EAGAIN'));
    for (let count = 0; count < 10_000; count++) late.output.write(line);
    late.output.flush();
    expect(late.text().length).toBeLessThan(10_000 * 1_024);
  });
});

/** Logs 100 lines each 5 ms, and says on stderr that its event loop turns. */
const SOURCE = `
import { LogOutput, writeStandardOutput } from './log-output.ts';
const output = new LogOutput(writeStandardOutput(), (count) => 'lost ' + count);
const line = 'x'.repeat(1000) + '\\n';
setInterval(() => { for (let i = 0; i < 100; i++) output.write(line) }, 5);
let turns = 0;
setInterval(() => process.stderr.write('turn ' + ++turns + '\\n'), 10);
process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => output.finish());
`;

const program = (): string =>
  buildSync({
    stdin: { contents: SOURCE, resolveDir: join(import.meta.dirname) },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
  }).outputFiles[0]?.text as string;

describe('a process whose log', () => {
  it.each([
    ['has lost its reader', (stdout: NodeJS.ReadableStream & { destroy(): void }) => stdout.destroy()],
    ['is not read', (stdout: NodeJS.ReadableStream) => stdout.pause()],
  ])('%s goes on, and ends when it should', async (_what, change) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program()], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    const first = await Promise.race([once(child.stdout, 'data'), exited]);
    expect(first[0]).toBeInstanceOf(Buffer);
    change(child.stdout);
    const turns = createInterface({ input: child.stderr });
    let after = 0;
    for await (const _turn of turns) if (++after === 50) break;
    expect(after).toBe(50);
    child.stderr.resume();
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    child.stdout.destroy();
  });
});
