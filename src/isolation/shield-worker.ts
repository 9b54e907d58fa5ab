import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const PR_SET_DUMPABLE = 4;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4n;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const F_GETFD = 1;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Standard input, output and error: whatever is started gets its own. */
const STANDARD = 3;
/** Other users, those of runners among them, may read what is made and not change it. */
const UMASK = 0o022;
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
  sched_getscheduler(pid: number): number;
  sched_getparam(pid: number, parameters: bigint): number;
  sched_setscheduler(pid: number, policy: number, parameters: bigint): number;
}

/**
 * Shuts this process off from what it starts, once and for as long as it lives; to do it again is harmless.
 *
 * 1. No descriptor that it was started with goes on to what it starts. Node sees to those up to 15 and to what it opens
 *    itself; what a shell, a supervisor or a flag of V8 left open above would be readable by user code.
 * 2. Only root reads its memory, environment and descriptors in /proc, also not another process of the same user, such
 *    as a runner of a worker that is not root. Debuggers cannot attach either.
 * 3. No right of root that it was started with goes on, as those of `AmbientCapabilities=` of systemd would to all that a
 *    worker without root starts. It keeps them itself. The kernel asks the thread that starts something, which is this one.
 * 4. Nothing that it starts runs in real time because it does itself.
 * 5. Other users may read and not change what it makes, whatever mask it was started with: programs and filters of
 *    runners are among it.
 *
 * @returns what could not be done, and why; empty: all is done.
 */
export function shieldWorker(): string[] {
  if (process.platform !== 'linux') return [`the worker is not shielded on ${process.platform}`];
  environment ??= ownEnvironment();
  try {
    const libc = openLibc();
    // Refused by kernels that have no such rights.
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0n, 0n, 0n);
    if (isMainThread) process.umask(UMASK);
    return [keepDescriptors(libc), hideMemory(libc), keepRealTime(libc)].filter((fault) => fault !== null);
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
  const open = readdirSync('/proc/self/fd').map(Number);
  const handedOn = open.filter((descriptor) => descriptor >= STANDARD && !isKept(libc, descriptor));
  return handedOn.length === 0 ? null : `runners inherit the descriptors ${handedOn.join(', ')}`;
}

/** Whether nothing that is started has it, from now on. */
function isKept({ fcntl }: Pick<Libc, 'fcntl'>, descriptor: number): boolean {
  const flags = fcntl(descriptor, F_GETFD, 0);
  // Of those that were listed, the one of the list itself is gone.
  if (flags < 0 || (flags & FD_CLOEXEC) !== 0) return true;
  return fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) >= 0;
}

const hideMemory = (libc: Libc): string | null =>
  libc.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0
    ? null
    : 'its own user can read the worker: the kernel refused prctl(PR_SET_DUMPABLE)';

function keepRealTime(libc: Libc): string | null {
  const policy = libc.sched_getscheduler(0);
  if (policy !== SCHED_FIFO && policy !== SCHED_RR) return null;
  // struct sched_param
  const parameters = Buffer.alloc(4);
  const address = openFfi().getRawPointer(parameters);
  libc.sched_getparam(0, address);
  return libc.sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, address) === 0
    ? null
    : 'runners run in real time, as the worker does: the kernel refused sched_setscheduler';
}

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
    sched_getscheduler: { arguments: ['i32'], return: 'i32' },
    sched_getparam: { arguments: ['i32', 'u64'], return: 'i32' },
    sched_setscheduler: { arguments: ['i32', 'i32', 'u64'], return: 'i32' },
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
