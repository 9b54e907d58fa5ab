import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Reads the environment of the worker in /proc.',
  refusal:
    'Node: file not in the lists; namespace: no such process; process: Landlock, another user, worker not dumpable.',
  kernel: true,
  quick: true,
  code: ({ workerPid }) => `
import fs from 'node:fs';
export default () => fs.readFileSync('/proc/${workerPid}/environ', 'utf8');
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
