import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Asks for 1,700 modules at once, under the right nonce, and reads no answer.',
  refusal: 'One module request may be open; a second one ends the runner.',
  kernel: true,
  quick: true,
  code: ({ early }) => `
import fs from 'node:fs';
const request = (i) => 'NONCE ' + JSON.stringify({ type: 'module-request', specifier: './m' + i, from: 'file:///bifrost/own.js', missing: false }) + '\\n';
export default async () => { if (${early}) return 'taken'; let all = ''; for (let i = 0; i < 1700; i++) all += request(i); fs.writeSync(3, all); await new Promise((r) => setTimeout(r, 300)); return 'taken'; };
`,
  reached: ({ ending }) => ending.value === 'taken',
} satisfies Attack;
