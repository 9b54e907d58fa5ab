import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sets the owner of a file of the worker.',
  refusal:
    'Node: not its file; another user, or mounted read-only; process without root: the system-call filter.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => fs.chownSync('${outsideFile}', process.getuid(), process.getgid());
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
