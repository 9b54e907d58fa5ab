import type { Attack } from '../../support/attack.js';

export default {
  mechanism: 'Runs a program and reads its output.',
  refusal: 'Node: no child processes; the system-call filter: no fork, no execve.',
  kernel: true,
  quick: true,
  code: ({ canary }) => `
import { execFileSync } from 'node:child_process';
export default () => execFileSync(process.execPath, ['-p', '"${canary}"'], { encoding: 'utf8' });
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
