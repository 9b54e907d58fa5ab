import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Leaves a block of shared memory behind that outlives it.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  code: () => `
${SYSCALL}export default () => { const [get, control] = process.arch === 'arm64' ? [194, 195] : [29, 31]; const id = syscall(get, 0, 4096, 0o1600); if (id >= 0) syscall(control, id, 0, 0); return id >= 0; };
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
