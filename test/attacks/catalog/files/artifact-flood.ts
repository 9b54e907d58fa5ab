import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves 3,000 artifacts.',
  refusal: 'The worker counts while it looks, and takes none where there are too many.',
  kernel: true,

  code: () => `
import fs from 'node:fs';
export default () => { fs.mkdirSync('artifacts'); for (let i = 0; i < 3000; i++) fs.writeFileSync('artifacts/f' + i, 'x'); return 1; };
`,
  reached: ({ ending }) => Object.keys(ending.artifacts).length > 100,
} satisfies Attack;
