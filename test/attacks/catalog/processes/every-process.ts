import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sends a signal to every process that it may signal.',
  refusal: 'The system-call filter: signals to itself only.',
  kernel: true,
  code: () => `
export default () => process.kill(-1, 0);
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
