import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Writes 96 MB to its scratch folder and keeps them.',
  refusal: 'namespace: size of the folder in memory; process: the worker looks how much is there.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
import fs from 'node:fs';
export default async () => { const chunk = Buffer.alloc(4e6, 1); for (let i = 0; i < 24; i++) fs.writeFileSync('f' + i, chunk); await new Promise((r) => setTimeout(r, 5000)); return fs.readdirSync('.').length * 4; };
`,
  reached: ({ ending }) => Number(ending.value) >= 96,
} satisfies Attack;
