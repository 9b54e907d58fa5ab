import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Sends a result that is nested 100,000 deep, under the right nonce.',
  refusal: 'The worker limits the depth of a frame before it parses it.',
  kernel: true,
  quick: true,
  code: ({ early }) => `
import fs from 'node:fs';
const deep = '['.repeat(1e5) + ']'.repeat(1e5);
export default () => { const value = ${early} ? '["deep"]' : deep; fs.writeSync(3, 'NONCE {"type":"result","value":' + value + ',"variables":{},"usage":{"userMs":1,"systemMs":1,"maxRssMb":1}}\\n'); for (;;); };
`,
  timeoutMs: 2000,
  reached: ({ ending }) => Array.isArray(ending.value),
} satisfies Attack;
