import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Changes the limits of the worker.',
  refusal: 'Node: no FFI; the system-call filter: its own limits only.',
  kernel: true,
  code: ({ workerPid }) => `
${SYSCALL}export default () => syscall(process.arch === 'arm64' ? 261 : 302, ${workerPid}, 7, 0, Buffer.alloc(16)) === 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
