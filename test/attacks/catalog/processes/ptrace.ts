import { existsSync, readFileSync } from 'node:fs';
import { type Attack, SYSCALL } from '../../support/attack.js';

/** Where Yama is switched on, a process may attach to its descendants only, unless it is root's. */
const YAMA = '/proc/sys/kernel/yama/ptrace_scope';
const siblingsMay = (): boolean => !existsSync(YAMA) || readFileSync(YAMA, 'latin1').trim() === '0';

export default {
  mechanism: 'Attaches to another runner as a debugger.',
  refusal: 'Node: no FFI; the system-call filter; another user, or no such process.',
  kernel: true,
  impossible: ({ isRoot }) => (isRoot || siblingsMay() ? null : 'only root may'),
  code: ({ otherPid }) => `
${SYSCALL}export default () => syscall(process.arch === 'arm64' ? 117 : 101, 0x4206, ${otherPid}, 0, 0) === 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
