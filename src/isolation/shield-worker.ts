import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const PR_SET_DUMPABLE = 4;
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Standard input, output and error: whatever is started gets its own. */
const STANDARD = 3;
/** A hidden process that is not root's cannot read this itself any more. */
let environment: string | null = null;

interface Ffi {
  getRawPointer(memory: Buffer): bigint;
  dlopen(
    library: null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Libc };
}

interface Libc {
  prctl(option: number, ...rest: readonly bigint[]): number;
  fcntl(descriptor: number, command: number, argument: number): number;
}

/**
 * Shuts this process off from what it starts, once and for as long as it lives; to do it again is harmless.
 *
 * 1. No descriptor that it was started with goes on to what it starts. Node sees to those up to 15 and to what it opens
 *    itself; what a shell, a supervisor or a flag of V8 left open above would be readable by user code.
 * 2. Only root reads its memory, environment and descriptors in /proc, also not another process of the same user, such
 *    as a runner of a worker that is not root. Debuggers cannot attach either.
 *
 * @returns what could not be done, and why; empty: all is done.
 */
export function shieldWorker(): string[] {
  if (process.platform !== 'linux') return [`the worker is not shielded on ${process.platform}`];
  environment ??= ownEnvironment();
  try {
    const libc = openLibc();
    return [keepDescriptors(libc), hideMemory(libc)].filter((fault) => fault !== null);
  } catch (error) {
    return [`the worker is not shielded: ${(error as Error).message}`];
  }
}

/** SHA-256 of what /proc shows of this process's environment to a permitted reader; null: nothing. */
export const environmentDigest = (): string | null => environment;

/** Where in this process's memory a buffer is; null where there is no FFI. */
export function addressOf(memory: Buffer): bigint | null {
  try {
    return openFfi().getRawPointer(memory);
  } catch {
    return null;
  }
}

function keepDescriptors(libc: Libc): string | null {
  const kept = readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor >= STANDARD);
  const handedOn = kept.filter((descriptor) => {
    const flags = libc.fcntl(descriptor, F_GETFD, 0);
    // The one of the list itself is gone.
    if (flags < 0 || (flags & FD_CLOEXEC) !== 0) return false;
    return libc.fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) < 0;
  });
  return handedOn.length === 0 ? null : `runners inherit the descriptors ${handedOn.join(', ')}`;
}

const hideMemory = (libc: Libc): string | null =>
  libc.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0
    ? null
    : 'its own user can read the worker: the kernel refused prctl(PR_SET_DUMPABLE)';

function ownEnvironment(): string | null {
  try {
    const content = readFileSync('/proc/self/environ');
    return content.length === 0 ? null : createHash('sha256').update(content).digest('hex');
  } catch {
    return null;
  }
}

const openLibc = (): Libc =>
  openFfi().dlopen(null, {
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  }).functions;

function openFfi(): Ffi {
  const emitWarning = process.emitWarning.bind(process);
  // That FFI is experimental is our business, not the operator's.
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:ffi') as unknown as Ffi;
  } finally {
    process.emitWarning = emitWarning;
  }
}
