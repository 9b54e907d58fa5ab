import { type Attack, SYSCALL } from '../support/attack.js';

export default {
  mechanism: 'Attaches to another runner as a debugger.',
  refusal: 'Node: no FFI; the system-call filter; another user, or no such process.',
  kernel: true,
  impossible: ({ isRoot }) => (isRoot ? null : 'only root may'),
  code: ({ otherPid }) => `
${SYSCALL}export default () => syscall(process.arch === 'arm64' ? 117 : 101, 0x4206, ${otherPid}, 0, 0) === 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
