import type { QueueView } from '../../../src/contract/api/queue.js';
import type { CountedWorker } from '../../../src/contract/worker-record.js';
import { plural } from '../text/format.js';
import type { Health } from './system.js';

/** Something that is wrong now, and what to do about it. */
export interface Finding {
  tone: 'bad' | 'warn';
  title: string;
  advice: string;
  /** The page where something can be done. */
  to?: string;
}

interface Seen {
  workers: readonly CountedWorker[] | undefined;
  queue: QueueView | undefined;
  health: Health | undefined;
}

/** What is wrong with the system as it was seen last, the worst first. Pure. */
export function findingsIn({ workers, queue, health }: Seen): Finding[] {
  const found: Finding[] = [];
  if (workers) found.push(...workerFindings(workers, queue));
  if (queue?.paused)
    found.push({
      tone: 'warn',
      title: 'The queue is paused',
      advice: `${plural(queue.waiting, 'job')} wait and no worker takes one. Resume it when you are ready.`,
      to: '/queue',
    });
  for (const [name, { status, reason }] of Object.entries(health?.details ?? {}))
    if (status !== 'up')
      found.push({
        tone: status === 'down' ? 'bad' : 'warn',
        title: `${name.replaceAll('_', ' ')} is ${status}`,
        advice: reason ?? 'See the health of this process.',
        to: '/settings',
      });
  return found.toSorted((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'));
}

function workerFindings(listed: readonly CountedWorker[], queue: QueueView | undefined): Finding[] {
  const workers = listed.filter(isAlive);
  const gone = listed.filter((worker) => !isAlive(worker)).map(({ id }) => goneFinding(id));
  if (workers.length === 0)
    return [
      ...gone,
      {
        tone: 'bad',
        title: 'No worker is alive',
        advice: 'Nothing runs until one is started with this Redis: npm start, or another container.',
        to: '/workers',
      },
    ];
  const found: Finding[] = gone;
  const { all, used } = slotsOf(workers);
  if (all === 0)
    found.push({
      tone: 'warn',
      title: 'No worker takes work',
      advice: 'All are paused, draining or starting. Resume one, or start another.',
      to: '/workers',
    });
  else if (used >= all && (queue?.waiting ?? 0) > all * 10)
    found.push({
      tone: 'warn',
      title: 'More work comes in than is done',
      advice: `All ${all} slots are taken and ${plural(queue?.waiting ?? 0, 'job')} wait. Start more workers, or raise CONCURRENCY.`,
      to: '/queue',
    });
  for (const { id, packages, isolation_failed: failed } of workers) {
    if (packages && packages.failed > 0)
      found.push({
        tone: 'warn',
        title: `${plural(packages.failed, 'package')} failed on ${id}`,
        advice: 'Code that imports one fails. The packages page says why.',
        to: '/packages',
      });
    if (failed && failed.length > 0)
      found.push({
        tone: 'bad',
        title: `User code got through the isolation of ${id}`,
        advice: `Failed checks: ${failed.join(', ')}. Run "bifrost doctor" there: it says what to do.`,
        to: '/workers',
      });
  }
  return found;
}

const goneFinding = (id: string): Finding => ({
  tone: 'bad',
  title: `Worker ${id} is gone`,
  advice:
    'It ended without a word: it was killed, or is frozen. Another worker takes over what it ran. Look at its last log lines and at the memory of its machine.',
  to: '/workers',
});

/** Whether a worker still holds its lease; one that does not died or is frozen. */
export const isAlive = ({ alive }: Pick<CountedWorker, 'alive'>): boolean => alive;

/** Executions that all workers which take work run at once, and how many run. */
export function slotsOf(workers: readonly CountedWorker[]): { all: number; used: number } {
  const living = workers.filter(isAlive);
  const active = living.filter(({ state }) => state === 'ACTIVE');
  return {
    all: active.reduce((sum, { concurrency }) => sum + concurrency, 0),
    used: living.reduce((sum, { running }) => sum + running, 0),
  };
}
