import type { ResourceLimits } from '../../boundary/runner-limits.js';

/** <asm-generic/resource.h> */
const RLIMIT_FSIZE = 1;
const RLIMIT_DATA = 2;
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;

const MB = 1_048_576;
const PAGE_BYTES = 4096;
const O_RDONLY = 0;
/** In /proc/self/statm: pages of private writable memory and of the stack. */
const STATM_DATA = 5;

/**
 * Limits what this process may use, for good: limits are only ever lowered, so that a stricter one of the
 * machine stays. What the kernel refuses beyond them reaches user code as an error: EFBIG, EMFILE, or
 * memory that cannot be allocated. Call it while FFI is still allowed. Linux only.
 */
export function limitResources(limits: ResourceLimits): void {
  if (process.platform !== 'linux') return;
  const ffi = process.getBuiltinModule('node:ffi') as unknown as Ffi;
  const { functions: libc } = ffi.dlopen('libc.so.6', {
    getrlimit: { arguments: ['i32', 'u64'], return: 'i32' },
    setrlimit: { arguments: ['i32', 'u64'], return: 'i32' },
    open: { arguments: ['u64', 'i32'], return: 'i32' },
    read: { arguments: ['i32', 'u64', 'u64'], return: 'i64' },
    close: { arguments: ['i32'], return: 'i32' },
  });

  const lower = (resource: number, wanted: number): void => {
    const pair = Buffer.alloc(16);
    const pointer = ffi.getRawPointer(pair);
    libc.getrlimit(resource, pointer);
    const hard = pair.readBigUInt64LE(8);
    const limit = hard < BigInt(wanted) ? hard : BigInt(wanted);
    pair.writeBigUInt64LE(limit, 0);
    pair.writeBigUInt64LE(limit, 8);
    if (libc.setrlimit(resource, pointer) !== 0) throw new Error(`setrlimit(${resource}) failed`);
  };

  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_FSIZE, limits.fileMb * MB);
  lower(RLIMIT_NOFILE, limits.openFiles);
  const held = limits.dataMb === null ? null : dataBytes(ffi, libc);
  if (limits.dataMb !== null && held !== null) lower(RLIMIT_DATA, held + limits.dataMb * MB);
}

/** Read past Node's file system, which may not see /proc; null where the kernel does not show it. */
function dataBytes(ffi: Ffi, libc: Libc): number | null {
  const path = Buffer.from('/proc/self/statm\0');
  const fd = libc.open(ffi.getRawPointer(path), O_RDONLY);
  if (fd < 0) return null;
  const text = Buffer.alloc(256);
  const length = Number(libc.read(fd, ffi.getRawPointer(text), BigInt(text.length)));
  libc.close(fd);
  const pages = Number(text.toString('latin1', 0, Math.max(length, 0)).split(' ')[STATM_DATA]);
  return Number.isInteger(pages) ? pages * PAGE_BYTES : null;
}

/** The part of node:ffi that is used here. */
interface Ffi {
  getRawPointer(memory: Buffer): bigint;
  dlopen(
    library: string,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Libc };
}

interface Libc {
  getrlimit(resource: number, pointer: bigint): number;
  setrlimit(resource: number, pointer: bigint): number;
  open(path: bigint, flags: number): number;
  read(fd: number, buffer: bigint, length: bigint): bigint;
  close(fd: number): number;
}
