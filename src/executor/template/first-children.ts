import { within } from '../../lib/time-limit.js';
import type { RunnerProcess } from '../process/runner-process.js';
import { RunnerBootError } from '../process/runner-spawn.js';
import { runRehearsal, rehearsal, REHEARSALS } from './rehearsals.js';
import { touchedByAll, type TouchedMemory, type TouchedPages, touchedPages } from './touched-memory.js';

const TRIAL_MS = 10_000;
/** One for each program of the rehearsals: what all of them touch, most executions do. */
const FIRST_CHILDREN = 3;

const NOTHING: TouchedPages = { written: new Set(), read: new Set() };

/**
 * Has the first children of a frozen template carry out an execution each, as every later one will.
 * @param boot of a child; what it leaves is removed here.
 * @param keep children serve one execution after the other.
 * @returns what each of them touched; nothing where the kernel does not show it.
 * @throws {RunnerBootError} when one does not return what it should: the template must not be used.
 */
export async function tryChildren(boot: () => Promise<RunnerProcess>, keep: boolean): Promise<TouchedMemory> {
  const touched: TouchedPages[] = [];
  for (let number = 0; number < FIRST_CHILDREN; number++)
    touched.push(await tryChild(await boot(), REHEARSALS + number, keep));
  return touchedByAll(touched);
}

async function tryChild(child: RunnerProcess, number: number, keep: boolean): Promise<TouchedPages> {
  try {
    await within(runRehearsal(child, rehearsal(child, number, keep), number), TRIAL_MS, () => {
      throw new RunnerBootError(`a first child did not answer within ${TRIAL_MS} ms`);
    });
    return await touchedPages(child.pid).catch(() => NOTHING);
  } finally {
    child.kill();
    await child.ended;
    await child.place.remove();
  }
}
