import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Opens a package to every user by a descriptor that it may read it with.',
  refusal:
    'Node: no change of modes by descriptor; another user, or mounted read-only; process without root: the system-call filter lets the call have no effect.',
  kernel: true,
  code: ({ packageFile }) => `
import fs from 'node:fs';
export default () => fs.fchmodSync(fs.openSync('${packageFile}', 'r'), 0o777);
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.packageFile),
} satisfies Attack;
