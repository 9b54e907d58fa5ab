import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Follows a symbolic link of its own out of the scratch folder.',
  refusal:
    'Node: no symbolic links; the system-call filter; namespace: nothing behind it; process: Landlock.',
  kernel: true,
  quick: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => { fs.symlinkSync('${outsideFile}', 'soft'); return fs.readFileSync('soft', 'utf8'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
