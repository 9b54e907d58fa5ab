import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sends SIGTERM to the worker.',
  refusal: 'The system-call filter; namespace: no such process; process: another user or Landlock.',
  kernel: true,
  quick: true,
  code: ({ workerPid }) => `
export default () => { process.kill(${workerPid}, 'SIGTERM'); };
`,
  reached: ({ workerSignals }) => workerSignals.includes('SIGTERM'),
} satisfies Attack;
