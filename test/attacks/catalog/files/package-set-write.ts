import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Changes a package that others will load.',
  refusal: 'Node: packages are not writable; namespace: mounted read-only; process: another user, Landlock.',
  kernel: true,
  quick: true,
  code: ({ packagesFolder }) => `
import fs from 'node:fs';
export default () => { fs.writeFileSync('${packagesFolder}/index.js', 'changed'); };
`,
  reached: ({ target, contentOf }) => contentOf(`${target.packagesFolder}/index.js`) === 'changed',
} satisfies Attack;
