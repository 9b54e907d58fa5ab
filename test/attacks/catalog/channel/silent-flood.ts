import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sends 200,000 frames that print nothing, under the right nonce.',
  refusal: 'The worker counts every frame and every byte of an execution.',
  kernel: true,
  timeoutMs: 30_000,
  code: ({ early }) => `
import fs from 'node:fs';
const frame = 'NONCE ' + JSON.stringify({ type: 'progress', fraction: 0, message: null }) + '\\n';
export default () => { if (${early}) return 200_000; let sent = 0; while (sent < 200_000) { fs.writeSync(3, frame.repeat(100)); sent += 100; } return sent; };
`,
  reached: ({ ending }) => ending.value === 200_000,
} satisfies Attack;
