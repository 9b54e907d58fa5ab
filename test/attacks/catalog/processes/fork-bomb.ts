import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Starts 20 processes.',
  refusal: 'Node: no child processes; the system-call filter: no fork.',
  kernel: true,
  timeoutMs: 120_000,
  code: () => `
import { spawnSync } from 'node:child_process';
export default () => { let started = 0; for (let i = 0; i < 20; i++) if (spawnSync(process.execPath, ['-e', '0']).status === 0) started += 1; return started; };
`,
  reached: ({ ending }) => Number(ending.value) > 0,
} satisfies Attack;
