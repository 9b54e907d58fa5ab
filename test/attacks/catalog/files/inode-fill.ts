import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Makes 60,000 empty files.',
  refusal: 'The worker counts each file with 1 KiB.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
import fs from 'node:fs';
export default async () => { for (let i = 0; i < 60000; i++) fs.closeSync(fs.openSync('f' + i, 'w')); await new Promise((r) => setTimeout(r, 5000)); return fs.readdirSync('.').length; };
`,
  reached: ({ ending }) => Number(ending.value) >= 60000,
} satisfies Attack;
