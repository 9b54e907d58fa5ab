import type { Attack } from '../../support/attack.js';

export default {
  mechanism:
    'Opens a file of the worker for neither reading nor writing, which Landlock does not count, and changes its mode by that.',
  refusal: 'Node: not its file; the system-call filter.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => fs.fchmodSync(fs.openSync('${outsideFile}', 3), 0o666);
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
