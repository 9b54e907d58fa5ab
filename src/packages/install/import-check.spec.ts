import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessImportChecker } from './import-check.js';

/** For what arrives a moment later. */
const AFTERMATH_MS = 100;

let folder: string;
let victim: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'import-check-'));
  // Prints when a signal reaches it.
  const program =
    "process.on('SIGUSR2', () => console.log('signalled')); setInterval(() => 0, 1e6); console.log('up')";
  victim = spawn(process.execPath, ['--eval', program]);
  await once(victim.stdout as NodeJS.ReadableStream, 'data');
});

afterEach(() => {
  victim.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function addPackage(name: string, source: string): void {
  const own = join(folder, 'node_modules', name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
  writeFileSync(join(own, 'index.js'), source);
}

/** Why they cannot be imported, by name. */
async function faultsOf(...names: string[]): Promise<Record<string, string>> {
  const faults = await new ProcessImportChecker().check(
    folder,
    names,
    new AbortController().signal,
    () => undefined,
  );
  return Object.fromEntries([...faults].map(([name, { reason }]) => [name, reason]));
}

it('finds what can be imported, also with promises, timers and files of its own', async () => {
  addPackage('good', "exports.text = require('node:fs').readFileSync(__filename, 'utf8');");
  addPackage('bad', "throw new Error('is broken');");
  addPackage('gone', 'process.exit(3);');
  expect(await faultsOf('good', 'bad', 'gone')).toEqual({
    bad: 'is broken',
    gone: 'ended the process while it was imported (exit code 3)',
  });
});

it('lets code that is imported do nothing to another process, not even of the same user', async () => {
  const arrived: string[] = [];
  victim.stdout?.on('data', (words: Buffer) => arrived.push(String(words)));
  const before = getPriority(victim.pid);
  const attempts = [
    `process.kill(${victim.pid}, 'SIGUSR2')`,
    `process._debugProcess(${victim.pid})`,
    `require('node:os').setPriority(${victim.pid}, ${before + 1})`,
  ];
  for (const [index, attempt] of attempts.entries()) addPackage(`evil-${index}`, attempt);
  const faults = await faultsOf('evil-0', 'evil-1', 'evil-2');
  await sleep(AFTERMATH_MS);
  expect({ arrived, priority: getPriority(victim.pid) }).toEqual({ arrived: [], priority: before });
  expect(Object.keys(faults).toSorted()).toEqual(['evil-0', 'evil-1', 'evil-2']);
});
