import { describe, expect, it } from '@jest/globals';
import type { LoadedExecution } from '../../context/context.service.js';
import type { Organization } from '../../contract/organization.js';
import { CHOSEN, PARKED } from '../../queue/fairness/lane-levels.js';
import type { Lanes } from '../../queue/fairness/lanes.js';
import type { WorkerLease } from '../../results/worker-lease.js';
import type { OrganizationDirectory } from '../../tenants/organizations/organization-directory.js';
import type { Delivery } from '../delivery.js';
import { ExecutionPlaces } from './execution-places.js';

interface Case {
  /** BullMQ's priority of the job. */
  level: number;
  isWaitedFor?: boolean;
  maxRunning?: number | null;
}

/** What the lanes learn of an execution from its beginning to its end. */
async function learnedOf({ level, isWaitedFor = false, maxRunning = null }: Case): Promise<unknown[]> {
  const learned: unknown[] = [];
  const lanes = {
    isOn: true,
    isWaitedFor,
    leavesAlone: () => false,
    take: (_id: string, _lane: unknown, _owner: string, yields: boolean) => {
      learned.push({ asked: { yields } });
      return Promise.resolve('go');
    },
    noteTaken: (_id: string, _lane: unknown, _owner: string, isApart: boolean) =>
      void learned.push({ taken: { isApart } }),
    noteEnded: (_id: string, _org: string, _owner: string, _ms: number, isApart: boolean) =>
      void learned.push({ ended: { isApart } }),
  };
  const organization = { max_running: maxRunning, rate: null, workflows: {} } as unknown as Organization;
  const places = new ExecutionPlaces(
    lanes as unknown as Lanes,
    { find: () => Promise.resolve(organization) } as unknown as OrganizationDirectory,
    { owner: 'w' } as WorkerLease,
  );
  const loading = { organization: { id: 'o' }, workflowId: null, turn: {} } as unknown as LoadedExecution;
  const job = { id: 'j', priority: level } as Delivery['job'];
  const room = await places.enter({ job, loading });
  if (room.kind === 'place') await room.place.during(() => Promise.resolve());
  return learned;
}

describe('the lanes learn of an execution', () => {
  it('that came past them and that nothing limits when there is time', async () => {
    const notes = [{ taken: { isApart: true } }, { ended: { isApart: true } }];
    expect(await learnedOf({ level: 0 })).toEqual(notes);
    expect(await learnedOf({ level: 7 })).toEqual(notes);
  });

  it.each([CHOSEN, PARKED.interactive])('that they have put on the queue (%i) soon', async (level) => {
    const notes = [{ taken: { isApart: false } }, { ended: { isApart: false } }];
    expect(await learnedOf({ level })).toEqual(notes);
    expect(await learnedOf({ level, isWaitedFor: true })).toEqual(notes);
  });

  it('before it begins where it came past organizations that wait', async () => {
    const learned = await learnedOf({ level: 0, isWaitedFor: true });
    expect(learned).toEqual([{ asked: { yields: true } }, { ended: { isApart: false } }]);
  });

  it('before it begins where its organization has a cap', async () => {
    const learned = await learnedOf({ level: 0, maxRunning: 3 });
    expect(learned).toEqual([{ asked: { yields: false } }, { ended: { isApart: false } }]);
  });
});
