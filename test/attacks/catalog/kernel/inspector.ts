import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Reads the runner itself with the inspector, of its own thread or from another.',
  refusal: 'Node: the right to the inspector is given up before user code is loaded.',
  kernel: false,
  quick: true,
  code: ({ canary }) => `
import { Worker } from 'node:worker_threads';
import { createRequire } from 'node:module';
const FROM_THREAD = \`require('worker_threads').parentPort.on('message', () => undefined); const { Session } = require('inspector'); const s = new Session(); s.connectToMainThread(); s.post('Runtime.evaluate', { expression: '"seen " + "${canary}"' }, (_, r) => require('worker_threads').parentPort.postMessage(r.result.value))\`.trim();
export default async () => { const tries = [() => import('node:inspector'), () => process.getBuiltinModule('inspector'), () => createRequire(import.meta.url)('inspector'), () => process.mainModule.require('inspector')]; for (const attempt of tries) try { const { Session } = await attempt(); const session = new Session(); session.connect(); return await new Promise((done) => session.post('Runtime.evaluate', { expression: '"seen " + "${canary}"' }, (_, r) => done(r.result.value))); } catch {} return await new Promise((done, no) => { const w = new Worker(FROM_THREAD, { eval: true }); w.on('message', done); w.on('error', no); }); };
`,
  reached: ({ target, ending }) => ending.value === `seen ${target.canary}`,
} satisfies Attack;
