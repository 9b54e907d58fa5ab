import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Makes namespaces, the usual first step of a way out.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  code: () => `
${SYSCALL}export default () => syscall(process.arch === 'arm64' ? 97 : 272, 0x200) === 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
