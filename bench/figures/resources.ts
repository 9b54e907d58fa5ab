import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CHILDREN,
  CHILDREN_RESULTS,
  REUSED,
  REUSED_STARTED,
  SINGLE_USE,
  SINGLE_USE_DEFAULT,
  SINGLE_USE_STARTED,
  THREAD,
} from '../harness/contestants.ts';
import { pssMb, readCommands } from '../harness/process-tree.ts';
import type { Bench, Entry } from '../harness/session.ts';
import { idleProcesses } from './idle-processes.ts';
import * as names from './names.ts';

const WITH_PROCESSES = new Set(
  [
    CHILDREN,
    CHILDREN_RESULTS,
    REUSED,
    REUSED_STARTED,
    SINGLE_USE,
    SINGLE_USE_DEFAULT,
    SINGLE_USE_STARTED,
    THREAD,
  ].map(({ name }) => name),
);
const SETTLE_MS = 1_500;

/** Memory of the processes that wait for work, and of the workers themselves; and how long each took to boot. */
export async function measureResources(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { report } = bench;
  bench.say('memory of idle runners');
  await sleep(SETTLE_MS);
  for (const entry of entries) if (WITH_PROCESSES.has(entry.name)) await measureIdle(bench, entry);
  for (const { name, running } of entries)
    report.add('memory of the worker itself (PSS)', name, 'MB', [pssMb(running.pid)]);
  for (const { name, running } of entries) report.add(names.BOOT, name, 'ms', [running.bootMs]);
}

/** What is shared counts in parts, so that the sum of all is what they take together. */
async function measureIdle({ report }: Bench, { name, running }: Entry): Promise<void> {
  const programs = await otherPrograms();
  const known = new Set(Object.values(programs));
  const processes = readCommands().map(({ words, ...process }) => ({
    ...process,
    program: words.map((word) => basename(word)).find((file) => known.has(file)) ?? '',
  }));
  const { runners, templates, compilers } = idleProcesses(running.pid, processes, programs);
  if (runners.length === 0) return;
  report.add(names.IDLE_PSS, name, 'MB', runners.map(sumOf));
  if (templates.length > 0) report.add(names.TEMPLATE_PSS, name, 'MB', templates.map(sumOf));
  report.add(names.ALL_IDLE_PSS, name, 'MB', [sumOf([...runners, ...templates].flat())]);
  if (compilers.length > 0) report.add(names.COMPILERS_PSS, name, 'MB', [sumOf(compilers.flat())]);
}

const sumOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + pssMb(pid), 0);

/** As the built worker names their files. */
async function otherPrograms(): Promise<{ template: string; compiler: string }> {
  const path = join(import.meta.dirname, '..', '..', 'dist', 'isolation', 'confined-program.js');
  const { fileOfProgram } = (await import(path)) as typeof import('../../src/isolation/confined-program.ts');
  return { template: fileOfProgram('template'), compiler: fileOfProgram('compiler') };
}
