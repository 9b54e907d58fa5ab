import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Writes a result of its own to every descriptor, under guessed nonces.',
  refusal: 'The nonce of the execution; what is written without it ends that execution.',
  kernel: true,
  timeoutMs: 2000,
  quick: true,
  code: ({ knownNonce }) => `
import fs from 'node:fs';
export default () => { const usage = { userMs: 1, systemMs: 1, maxRssMb: 1 }; for (let fd = 0; fd < 64; fd++) for (const nonce of ['${knownNonce}', 'boot', '']) try { fs.writeSync(fd, nonce + ' ' + JSON.stringify({ type: 'result', value: 'forged', variables: {}, usage }) + '\\n'); } catch {} for (;;); };
`,
  reached: ({ ending }) => ending.value === 'forged',
} satisfies Attack;
