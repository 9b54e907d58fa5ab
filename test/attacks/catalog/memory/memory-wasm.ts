import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Holds 600 MB of WebAssembly memory.',
  refusal: 'The memory limits of V8 and of the kernel, and the worker, which kills what holds more.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
export default async () => { const held = []; for (let i = 0; i < 600; i += 50) { const m = new WebAssembly.Memory({ initial: 800 }); new Uint8Array(m.buffer).fill(1); for (let k = 0; k < 50; k++) held.push(m); } await new Promise((r) => setTimeout(r, 3000)); return held.length; };
`,
  reached: ({ ending }) => Number(ending.value) >= 600,
} satisfies Attack;
