import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Takes a lease on a package: a process that opens it to write has to wait, up to 45 s.',
  refusal: 'Node: no FFI; another user, or mounted read-only; the system-call filter.',
  kernel: true,
  code: ({ packageFile }) => `
${SYSCALL}import fs from 'node:fs';
export default () => syscall(process.arch === 'arm64' ? 25 : 72, fs.openSync('${packageFile}', 'r'), 1024, 0) === 0;
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
