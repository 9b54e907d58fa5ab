import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Becomes root.',
  refusal: 'The runner has given up the right with its user; the system-call filter.',
  kernel: true,
  impossible: ({ isRoot }) => (isRoot ? null : 'only root may'),
  code: () => `
export default () => { try { process.setuid(0); } catch {} return process.getuid(); };
`,
  reached: ({ ending }) => ending.value === 0,
} satisfies Attack;
