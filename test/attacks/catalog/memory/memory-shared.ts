import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Holds 600 MB of SharedArrayBuffer.',
  refusal: 'The memory limits of V8 and of the kernel, and the worker, which kills what holds more.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
export default async () => { const held = []; for (let i = 0; i < 600; i++) { const b = new SharedArrayBuffer(1048576); new Uint8Array(b).fill(1); held.push(b); } await new Promise((r) => setTimeout(r, 3000)); return held.length; };
`,
  reached: ({ ending }) => Number(ending.value) >= 600,
} satisfies Attack;
