import type { IsolationCheck } from '../../contract/isolation-report.js';
import type { KernelFacts, KernelPromises } from './kernel-facts.js';

type Verdict = Pick<IsolationCheck, 'outcome' | 'detail'>;

const held = (detail: string): Verdict => ({ outcome: 'held', detail });
const failed = (detail: string): Verdict => ({ outcome: 'failed', detail });
const notApplicable = (detail: string): Verdict => ({ outcome: 'not_applicable', detail });

const CHECKS: Readonly<
  Record<string, { tries: string; judge: (facts: KernelFacts, promised: KernelPromises) => Verdict }>
> = {
  'system-calls': {
    tries: 'call the kernel past the filter',
    judge: ({ status }) =>
      status['Seccomp'] === '2'
        ? held('the filter is in force')
        : failed('there is no filter of system calls'),
  },
  privileges: {
    tries: 'use or gain rights of root',
    judge: ({ status }) => {
      // The inheritable set is of no use to a process that can start no program, and of none at all with no_new_privs.
      const rights = ['CapPrm', 'CapEff', 'CapAmb'].filter(
        (set) => status[set] === undefined || BigInt(`0x${status[set]}`) !== 0n,
      );
      if (rights.length > 0) return failed(`it has capabilities (${rights.join(', ')})`);
      return status['NoNewPrivs'] === '1'
        ? held('no capabilities, and none to be gained')
        : failed('a program could give it privileges');
    },
  },
  'own-user': {
    tries: 'act as the user of the worker',
    judge: ({ status, workerUid }, { confinement: { uid } }) => {
      if (uid === null) return notApplicable('only root can give each runner a user of its own');
      const actual = status['Uid']?.split(/\s+/).map(Number) ?? [];
      return actual.length > 0 && actual.every((id) => id === uid && id !== workerUid)
        ? held(`user ${uid}`)
        : failed(`it runs as user ${actual.join(' ')}`);
    },
  },
  namespaces: {
    tries: 'look at what belongs to the machine',
    judge: ({ sharedNamespaces }, { namespaces, network }) => {
      if (!namespaces) return notApplicable('not at this level');
      if (sharedNamespaces === null) return failed('the kernel does not show its namespaces');
      const wrong = sharedNamespaces.filter((name) => name !== 'net' || network !== 'open');
      return wrong.length === 0
        ? held('of its own')
        : failed(`it is in namespaces of the worker: ${wrong.join(', ')}`);
    },
  },
  'task-limit': {
    tries: 'start threads without end',
    judge: ({ maxTasks }, { confinement }) => {
      if (confinement.maxTasks === null)
        return notApplicable('counted by user, and this one is the worker too; memory limits threads');
      return maxTasks !== null && maxTasks <= confinement.maxTasks
        ? held(`at most ${maxTasks}`)
        : failed('the kernel has no limit');
    },
  },
};

/** What the kernel confirms of what was promised. */
export const kernelChecks = (facts: KernelFacts, promised: KernelPromises): IsolationCheck[] =>
  Object.entries(CHECKS).map(([name, { tries, judge }]) => {
    const verdict = judge(facts, promised);
    return { name, tries, by: verdict.outcome === 'held' ? 'kernel' : null, ...verdict };
  });
