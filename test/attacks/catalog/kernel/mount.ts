import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Mounts a file system.',
  refusal: 'Node: no FFI; the system-call filter; no rights.',
  kernel: true,
  impossible: ({ isRoot }) => (isRoot ? null : 'only root may'),
  code: () => `
${SYSCALL}export default () => { const here = text(process.cwd()); const [mount, umount] = process.arch === 'arm64' ? [40, 39] : [165, 166]; const done = syscall(mount, text('none'), here, text('tmpfs'), 0, 0) === 0; if (done) syscall(umount, here, 2); return done; };
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
