import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Leaves a process in a session of its own behind, out of reach of a kill of the group.',
  refusal: 'Node: no child processes; the system-call filter: no fork; namespace: dies with its process 1.',
  kernel: true,
  code: ({ canary }) => `
import { spawn } from 'node:child_process';
export default async () => { const c = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)', 'left-${canary}'], { detached: true, stdio: 'ignore' }); await new Promise((done, no) => { c.on('spawn', done); c.on('error', no); }); c.unref(); };
`,
  reached: ({ target, survivors }) => survivors(`left-${target.canary}`).length > 0,
} satisfies Attack;
