import { giveUp } from './rights.js';

/** The one library function that is called: everything else of the kernel can be reached by it. */
type Syscall = (number: bigint, ...args: readonly [bigint, bigint, bigint, bigint, bigint, bigint]) => bigint;

interface Ffi {
  dlopen(
    library: string | null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: Record<string, unknown> };
  getRawPointer(buffer: Buffer): bigint;
}

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/**
 * System calls that Node has no function for, by way of node:ffi. `close` takes FFI away from this
 * process for good; user code must not be loaded before.
 */
export class Kernel {
  private readonly syscall: Syscall;
  private readonly ffi: Ffi;

  constructor() {
    this.ffi = process.getBuiltinModule('node:ffi') as unknown as Ffi;
    const { functions } = this.ffi.dlopen(null, {
      syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
    });
    this.syscall = functions['syscall'] as Syscall;
  }

  /** @throws Error naming the call when the kernel refuses it. */
  call(name: string, number: number, ...args: readonly (number | bigint | Buffer)[]): number {
    const result = this.attempt(number, ...args);
    if (result < 0) throw new Error(`${name} was refused by the kernel`);
    return result;
  }

  /** As `call`; negative when it is refused. */
  attempt(number: number, ...args: readonly (number | bigint | Buffer)[]): number {
    const raw = args.map((arg) => (Buffer.isBuffer(arg) ? this.ffi.getRawPointer(arg) : BigInt(arg)));
    const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = raw;
    return Number(this.syscall(BigInt(number), a, b, c, d, e, f));
  }

  /** A descriptor that names a file and cannot read it, past Node's permission model; negative when it is not there. */
  openPath(path: string): number {
    const openat = process.arch === 'arm64' ? 56 : 257;
    return this.attempt(openat, AT_FDCWD, Buffer.from(`${path}\0`), O_PATH | O_CLOEXEC, 0);
  }

  addressOf(buffer: Buffer): bigint {
    return this.ffi.getRawPointer(buffer);
  }

  close(): void {
    giveUp('ffi');
  }
}
