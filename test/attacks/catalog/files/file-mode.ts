import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Opens a file of the worker to every user.',
  refusal:
    'Node: not its file; another user, or mounted read-only; process without root: the system-call filter.',
  kernel: true,
  quick: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => fs.chmodSync('${outsideFile}', 0o666);
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
