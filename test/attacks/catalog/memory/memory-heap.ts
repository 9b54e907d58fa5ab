import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Fills the heap with 600 MB.',
  refusal: 'The memory limits of V8 and of the kernel, and the worker, which kills what holds more.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
export default async () => { const held = []; for (let i = 0; i < 600; i++) held.push(Array.from({ length: 131072 }, (_, n) => n + i + 0.5)); await new Promise((r) => setTimeout(r, 3000)); return held.length; };
`,
  reached: ({ ending }) => Number(ending.value) >= 600,
} satisfies Attack;
