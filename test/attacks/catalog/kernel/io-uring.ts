import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Opens an io_uring, whose operations no system-call filter sees.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  code: () => `
${SYSCALL}export default () => syscall(425, 4, Buffer.alloc(120)) >= 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
