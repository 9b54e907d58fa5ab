import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sends a signal to another runner.',
  refusal: 'The system-call filter; namespace: no such process; process: another user or Landlock.',
  kernel: true,
  quick: true,
  code: ({ otherPid }) => `
export default () => process.kill(${otherPid}, 0);
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
