import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves a hard link to a file of the worker as an artifact.',
  refusal: 'As any hard link; the worker takes no file that has another name, or is of another user.',
  kernel: true,

  code: ({ outsideFile }) => `
import fs from 'node:fs';
export default () => { fs.mkdirSync('artifacts'); fs.linkSync('${outsideFile}', 'artifacts/hard'); return 1; };
`,
  reached: ({ target, ending }) =>
    Object.values(ending.artifacts).some((content) => content.includes(target.canary)),
} satisfies Attack;
