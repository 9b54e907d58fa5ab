/** prctl: the signal this process gets when its parent dies. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9n;

/**
 * Ties the life of this process to the worker's: when the worker dies, however it dies, the kernel
 * kills this process, also while user code blocks the event loop. Linux only; elsewhere the end of
 * the command descriptor ends an idle runner. Afterwards nobody in this process can use FFI.
 */
export function dieWithWorker(workerPid: number): void {
  if (process.platform !== 'linux') return;
  const ffi = process.getBuiltinModule('node:ffi') as unknown as Ffi;
  const { functions } = ffi.dlopen('libc.so.6', {
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  });
  const failed = functions['prctl']?.(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n) !== 0;
  (process.permission as unknown as { drop(scope: string): void }).drop('ffi');
  if (failed) throw new Error('prctl(PR_SET_PDEATHSIG) failed');
  // The worker may have died before the call: then nobody will send the signal.
  if (process.ppid !== workerPid) process.exit(0);
}

interface Ffi {
  dlopen(
    library: string,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Record<string, (...args: (number | bigint)[]) => number> };
}
