import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { comparable, type Ending, type Row } from './row.js';

/** The name that inline code has in the workspace. */
const FILE = 'inline-code';

/** Runs each program by plain Node, in a folder of its own, a few at a time. */
export async function runByNode(rows: readonly Row[]): Promise<Map<Row, Ending>> {
  const folder = await mkdtemp(join(tmpdir(), 'like-node-'));
  const endings = new Map<Row, Ending>();
  const waiting = [...rows.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, row] = next;
      endings.set(row, await runOne(row, join(folder, String(index))));
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return endings;
}

async function runOne({ code, language }: Row, folder: string): Promise<Ending> {
  await mkdir(folder);
  const file = join(folder, `${FILE}.${language ?? 'ts'}`);
  await writeFile(file, code);
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', file],
      { cwd: folder, env: {}, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        const pid = child.pid ?? null;
        resolve({
          stdout: comparable(stdout, folder, pid),
          stderr: comparable(stderr, folder, pid),
          exitCode,
        });
      },
    );
    child.stdin?.end();
  });
}
