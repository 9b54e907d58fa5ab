import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripTypeScriptTypes } from 'node:module';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
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

/** Into files, which Node writes to at once: at process.exit it loses what a full pipe has not taken. */
async function runOne(row: Row, folder: string): Promise<Ending> {
  await mkdir(folder);
  const [extension, text] = asJavaScript(row);
  const file = join(folder, `${FILE}.${extension}`);
  await writeFile(file, text);
  const [stdout, stderr] = await Promise.all([open(`${folder}.out`, 'w+'), open(`${folder}.err`, 'w+')]);
  try {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
      cwd: folder,
      env: {},
      stdio: ['ignore', stdout.fd, stderr.fd],
    });
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    const written = async (suffix: string): Promise<string> =>
      comparable(await readFile(`${folder}.${suffix}`, 'utf8'), folder, child.pid ?? null);
    return { stdout: await written('out'), stderr: await written('err'), exitCode };
  } finally {
    await Promise.all([stdout.close(), stderr.close()]);
  }
}

/**
 * Types are stripped as Node does it, but here: each process would load what does it, which takes longer than all else
 * that it does. A program that looks at the name of its file keeps it, and what cannot be stripped is left to Node.
 */
function asJavaScript({ code, language }: Row): ['js' | 'ts', string] {
  if (language === 'js') return ['js', code];
  if (code.includes(`${FILE}.ts`)) return ['ts', code];
  try {
    return ['js', stripTypeScriptTypes(code)];
  } catch {
    return ['ts', code];
  }
}
