import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Reads a file in the scratch folder of another runner.',
  refusal: 'Node: file not in the lists; namespace: other mounts; process: another user or Landlock.',
  kernel: true,
  quick: true,
  code: ({ otherFile }) => `
import fs from 'node:fs';
export default () => fs.readFileSync('${otherFile}', 'utf8');
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
