import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism:
    'Puts pages of memory into a pipe instead of their contents, which faults of the kernel were used with.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  code: () => `
${SYSCALL}export default () => {
  const pipe = Buffer.alloc(8);
  syscall(process.arch === 'arm64' ? 59 : 293, pipe, 0);
  const pages = Buffer.alloc(4096);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(ffi.getRawPointer(pages), 0);
  vector.writeBigUInt64LE(4096n, 8);
  return syscall(process.arch === 'arm64' ? 75 : 278, pipe.readInt32LE(4), vector, 1, 0) === 4096;
};
`,
  reached: ({ ending }) => ending.value === true,
} satisfies Attack;
