import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Starts 80 threads.',
  refusal: "Node: no workers; the limit of tasks of the runner's user, or its memory.",
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
import { Worker } from 'node:worker_threads';
export default async () => { let started = 0; const one = () => new Promise((done) => { const w = new Worker('setInterval(() => {}, 1000)', { eval: true }); w.on('online', () => { started += 1; done(); }); w.on('error', done); }); for (let i = 0; i < 80; i++) await one(); return started; };
`,
  reached: ({ ending }) => Number(ending.value) >= 80,
} satisfies Attack;
