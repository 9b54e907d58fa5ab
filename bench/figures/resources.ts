import { setTimeout as sleep } from 'node:timers/promises';
import {
  CHILDREN,
  CHILDREN_RESULTS,
  REUSED,
  SINGLE_USE,
  SINGLE_USE_DEFAULT,
  THREAD,
} from '../harness/contestants.ts';
import { childrenPssMb, pssMb } from '../harness/process-tree.ts';
import type { Bench, Entry } from '../harness/session.ts';
import * as names from './names.ts';

const WITH_PROCESSES = new Set(
  [CHILDREN, CHILDREN_RESULTS, REUSED, SINGLE_USE, SINGLE_USE_DEFAULT, THREAD].map(({ name }) => name),
);
const SETTLE_MS = 1_500;

/** Memory of the processes that wait for work, and of the workers themselves; and how long each took to boot. */
export async function measureResources(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { report } = bench;
  bench.say('memory of idle runners');
  await sleep(SETTLE_MS);
  for (const { name, running } of entries) {
    const runners = childrenPssMb(running.pid);
    if (WITH_PROCESSES.has(name) && runners.length > 0) report.add(names.IDLE_PSS, name, 'MB', runners);
  }
  for (const { name, running } of entries)
    report.add('memory of the worker itself (PSS)', name, 'MB', [pssMb(running.pid)]);
  for (const { name, running } of entries) report.add(names.BOOT, name, 'ms', [running.bootMs]);
}
