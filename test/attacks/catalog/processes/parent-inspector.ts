import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Makes the worker open its inspector with SIGUSR1.',
  refusal:
    'The system-call filter; namespace: no such process; process: another user or Landlock. The worker ignores the signal besides.',
  kernel: true,
  code: ({ workerPid }) => `
export default async () => { process.kill(${workerPid}, 'SIGUSR1'); await new Promise((r) => setTimeout(r, 300)); };
`,
  reached: ({ workerOutput }) => workerOutput.includes('Debugger listening'),
} satisfies Attack;
