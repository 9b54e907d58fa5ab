import { type Attack, SYSCALL } from '../../support/attack.js';

export default {
  mechanism: 'Reads the memory of the worker with process_vm_readv.',
  refusal: 'Node: no FFI; the system-call filter.',
  kernel: true,
  code: ({ workerPid, canaryAddress }) => `
${SYSCALL}export default () => { const own = Buffer.alloc(64); const local = Buffer.alloc(16); const remote = Buffer.alloc(16); local.writeBigUInt64LE(ffi.getRawPointer(own), 0); local.writeBigUInt64LE(64n, 8); remote.writeBigUInt64LE(BigInt('${canaryAddress}'), 0); remote.writeBigUInt64LE(64n, 8); syscall(process.arch === 'arm64' ? 270 : 310, ${workerPid}, local, 1, remote, 1, 0); return own.toString('latin1'); };
`,
  reached: ({ target, ending }) => String(ending.value).includes(target.canary),
} satisfies Attack;
