import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Makes a file of the worker look older than it is.',
  refusal:
    'Node: not its file; another user, or mounted read-only; process without root: the system-call filter.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => fs.lutimesSync('${outsideFile}', 1, 1);
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
