import { expect, it } from '@jest/globals';
import { idleProcesses } from '../../../bench/figures/idle-processes.ts';

const PROGRAMS = { template: 'template.cjs', compiler: 'compiler.cjs' };
const WORKER = 1;
const node = (pid: number, parent: number, program = '') => ({ pid, parent, isNode: true, program });
const wrapper = (pid: number, parent: number) => ({ pid, parent, isNode: false, program: '' });

it('a runner counts with what wraps it', () => {
  const processes = [wrapper(10, WORKER), wrapper(11, 10), node(12, 11), node(20, WORKER), node(30, 2)];
  const { runners, templates, compilers } = idleProcesses(WORKER, processes, PROGRAMS);
  expect(runners).toEqual([[10, 11, 12], [20]]);
  expect([templates, compilers]).toEqual([[], []]);
});

it('forked runners count without what they are forked of, and keepers do not count', () => {
  const processes = [
    wrapper(10, WORKER),
    node(11, 10, 'template.cjs'),
    node(12, 11, 'template.cjs'),
    node(13, 12, 'template.cjs'),
    node(14, 11, 'template.cjs'),
    node(15, 14, 'template.cjs'),
  ];
  const { runners, templates } = idleProcesses(WORKER, processes, PROGRAMS);
  expect(runners).toEqual([[13], [15]]);
  expect(templates).toEqual([[10, 11]]);
});

it('a compiler is no runner, and neither is what does not run Node', () => {
  const processes = [
    wrapper(10, WORKER),
    node(11, 10, 'compiler.cjs'),
    wrapper(12, 11),
    wrapper(20, WORKER),
    node(30, WORKER),
  ];
  const { runners, compilers } = idleProcesses(WORKER, processes, PROGRAMS);
  expect(runners).toEqual([[30]]);
  expect(compilers).toEqual([[10, 11, 12]]);
});
