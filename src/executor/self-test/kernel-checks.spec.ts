import { describe, expect, it } from '@jest/globals';
import { kernelChecks } from './kernel-checks.js';
import type { KernelFacts, KernelPromises } from './kernel-facts.js';

const NONE = '0000000000000000';
const FACTS: KernelFacts = {
  status: {
    Seccomp: '2',
    NoNewPrivs: '1',
    CapPrm: NONE,
    CapEff: NONE,
    CapAmb: NONE,
    Uid: '4242\t4242\t4242\t4242',
  },
  maxTasks: 64,
  sharedNamespaces: [],
  workerUid: 0,
};
const PROMISED: KernelPromises = {
  confinement: {
    parentPid: null,
    uid: 4242,
    maxTasks: 64,
    hidden: false,
    files: null,
    filter: true,
    sharedUser: false,
    recordLocks: false,
  },
  namespaces: true,
  network: 'none',
};
const failedOf = (facts: Partial<KernelFacts>, promised: Partial<KernelPromises> = {}): string[] =>
  kernelChecks({ ...FACTS, ...facts }, { ...PROMISED, ...promised })
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name }) => name);

describe('what the kernel says of a runner', () => {
  it('is believed when it confirms everything', () => {
    expect(failedOf({})).toEqual([]);
  });

  it.each<[string, Partial<KernelFacts>]>([
    ['system-calls', { status: { ...FACTS.status, Seccomp: '0' } }],
    ['privileges', { status: { ...FACTS.status, CapEff: '00000000a80425fb' } }],
    ['privileges', { status: { ...FACTS.status, NoNewPrivs: '0' } }],
    ['own-user', { status: { ...FACTS.status, Uid: '0\t0\t0\t0' } }],
    ['namespaces', { sharedNamespaces: ['net'] }],
    ['namespaces', { sharedNamespaces: null }],
    ['task-limit', { maxTasks: null }],
  ])('fails %s: %j', (name, facts) => {
    expect(failedOf(facts)).toEqual([name]);
  });

  it('fails everything when it says nothing, as of a process that is gone', () => {
    const gone = { status: {}, maxTasks: null, sharedNamespaces: null };
    expect(failedOf(gone)).toEqual(['system-calls', 'privileges', 'own-user', 'namespaces', 'task-limit']);
  });

  it('lets the machine’s network be shared where that was asked for', () => {
    expect(failedOf({ sharedNamespaces: ['net'] }, { network: 'open' })).toEqual([]);
  });
});
