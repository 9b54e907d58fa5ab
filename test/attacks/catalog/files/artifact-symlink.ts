import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves a symbolic link to a file of the worker as an artifact.',
  refusal: 'As any symbolic link; the worker opens artifacts without following one.',
  kernel: true,
  quick: true,
  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => { fs.mkdirSync('artifacts'); fs.symlinkSync('${outsideFile}', 'artifacts/soft'); return 1; };
`,
  reached: ({ target, ending }) =>
    Object.values(ending.artifacts).some((content) => content.includes(target.canary)),
} satisfies Attack;
