import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Stops the worker with SIGSTOP.',
  refusal: 'The system-call filter; namespace: no such process; process: another user or Landlock.',
  kernel: true,
  quick: true,
  code: ({ workerPid }) => `
export default () => { process.kill(${workerPid}, 'SIGSTOP'); };
`,
  reached: ({ workerStopped }) => workerStopped,
} satisfies Attack;
