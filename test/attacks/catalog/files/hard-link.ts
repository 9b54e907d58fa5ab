import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Takes a file from outside into the scratch folder by a hard link.',
  refusal: 'Node: no links; the system-call filter; namespace: nothing to link; process: Landlock.',
  kernel: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => { fs.linkSync('${outsideFile}', 'hard'); return fs.readFileSync('hard', 'utf8'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
