import { type Attack, sinceLinux, SYSCALL } from '../../support/attack.js';

export default {
  mechanism:
    'Changes the mode of a file of the worker by a descriptor that only names it, with a call of Linux 6.6.',
  refusal: 'Node: no FFI; another user, or mounted read-only; process without root: the system-call filter.',
  kernel: true,
  impossible: () => (sinceLinux(6, 6) ? null : 'the call is not there'),
  code: ({ outsideFile }) => `
${SYSCALL}export default () => {
  const named = syscall(process.arch === 'arm64' ? 56 : 257, -100, text('${outsideFile}'), 0o10000000, 0);
  return syscall(452, named, text(''), 0o666, 0x1000);
};
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
