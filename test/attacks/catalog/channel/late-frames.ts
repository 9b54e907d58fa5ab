import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Writes a second result, under the right nonce, after its first.',
  refusal: 'The worker ignores frames of an execution that has reported.',
  kernel: true,
  quick: true,
  code: ({ early }) => `
import fs from 'node:fs';
const send = () => { try { fs.writeSync(3, 'NONCE ' + JSON.stringify({ type: 'result', value: 'late', variables: {}, usage: { userMs: 1, systemMs: 1, maxRssMb: 1 } }) + '\\n'); } catch {} };
export default () => { if (${early}) send(); setImmediate(send); process.on('exit', send); setTimeout(send, 5); return 'first'; };
`,
  reached: ({ ending }) => ending.value === 'late',
} satisfies Attack;
