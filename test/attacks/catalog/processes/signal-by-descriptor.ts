import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism:
    'Makes the worker the owner of a descriptor, to which the kernel then sends the signal that was asked for.',
  refusal: 'Node: no FFI; the system-call filter; Landlock (Linux 6.12); namespace: no such process.',
  kernel: true,
  code: ({ workerPid }) => `
${SYSCALL}import fs from 'node:fs';
export default () => {
  const [control, device] = process.arch === 'arm64' ? [25, 29] : [72, 16];
  const pipe = Buffer.alloc(8);
  syscall(process.arch === 'arm64' ? 59 : 293, pipe, 0);
  const [reading, writing] = [pipe.readInt32LE(0), pipe.readInt32LE(4)];
  const owner = Buffer.alloc(8);
  owner.writeInt32LE(1, 0);
  owner.writeInt32LE(${workerPid}, 4);
  const number = Buffer.alloc(4);
  number.writeInt32LE(${workerPid});
  const taken = [
    syscall(control, reading, 8, ${workerPid}),
    syscall(control, reading, 15, owner),
    syscall(device, reading, 0x8901, number),
    syscall(device, reading, 0x8902, number),
    syscall(control, reading, 10, 12),
  ];
  syscall(control, reading, 4, 0o20000);
  fs.writeSync(writing, 'x');
  return taken.includes(0);
};
`,
  reached: ({ ending, workerSignals }) => ending.value === true || workerSignals.includes('SIGUSR2'),
} satisfies Attack;
