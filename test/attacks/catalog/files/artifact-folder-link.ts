import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Puts a link to another folder in the place of the artifacts folder.',
  refusal: 'As any symbolic link; the worker opens that folder without following one.',
  kernel: true,

  code: ({ outsideFolder }) => `
import fs from 'node:fs';
export default () => { fs.symlinkSync('${outsideFolder}', 'artifacts'); return 1; };
`,
  reached: ({ target, ending }) =>
    Object.values(ending.artifacts).some((content) => content.includes(target.canary)),
} satisfies Attack;
