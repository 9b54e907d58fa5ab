import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Writes an extended attribute of a file of the worker.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  impossible: ({ hasAttributes }) => (hasAttributes ? null : 'the file system has none'),
  code: ({ outsideFile }) => `
${SYSCALL}export default () => syscall(process.arch === 'arm64' ? 5 : 188, text('${outsideFile}'), text('user.attack'), text('x'), 1, 0);
`,
  reached: ({ target, changedFiles }) => changedFiles.includes(target.outsideFile),
} satisfies Attack;
