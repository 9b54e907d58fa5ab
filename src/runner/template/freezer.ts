import { builtinModule } from '../channel/primordials.js';

/** The part of node:ffi that is used here. */
interface Ffi {
  dlopen(
    library: string | null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { lib: unknown; functions: Record<string, (...args: never[]) => number> };
  dlsym(library: unknown, symbol: string): bigint;
  getInt64(address: bigint, offset: number): bigint;
  getUint32(address: bigint, offset: number): number;
  getRawPointer(memory: NodeJS.ArrayBufferView): bigint;
}

/** How the template freezes, and what its children become. */
export interface Freezing {
  /** Descriptor over which the worker asks for children. */
  control: number;
  /** Path of the worker's socket, to which children connect. */
  door: string;
  scratch: string;
  /** The programs of system calls under which user code runs, by the network that it has. */
  filters: Readonly<Record<'closed' | 'open', Buffer>>;
  /** The first of them is set as soon as a child is there; otherwise `seal` sets one. */
  sealsAtOnce: boolean;
  /** Descriptor of the connection to the worker's network; null: there is none. */
  network: number | null;
  /** Children have mounts, processes and a /proc of their own. */
  namespaces: boolean;
  /** And a user namespace. */
  ownUsers: boolean;
}

/** What a child learns of itself. */
export interface Thawed {
  /** 31 random bits. */
  seed: number;
  /** Its process number as it sees it. */
  pid: number;
}

/** struct freezing of native/freezer/freezer.h: places of what it answers, in words of 8 bytes. */
const FIELDS = { seed: 10, pid: 11 } as const;
const REASON_BYTES = 256;
const INSTRUCTION_BYTES = 8;
const FEATURE_NAMESPACES = 1n;
const FEATURE_OWN_USERS = 2n;
const NOT_QUIET = -1;

const instructionsIn = (program: Buffer): bigint => BigInt(program.length / INSTRUCTION_BYTES);

/** The C library of this system is none that the freezer knows how to freeze, or it found something in its way. */
export class FreezeRefused extends Error {
  override name = 'FreezeRefused';
}

/**
 * The native piece that freezes this process and forks it (native/freezer). Everything of it is looked up when
 * this is made, while FFI is still allowed; the functions stay callable afterwards, and only by this object.
 */
export class Freezer {
  /** Ends this process at once, also while a thread of it is busy. */
  readonly leave: (code: number) => never;
  private readonly freezeAt: (freezing: bigint) => number;
  private readonly sealWith: (program: bigint, length: bigint) => number;
  private readonly filters: Record<'closed' | 'open', { at: bigint; length: bigint }>;
  private readonly pollRandom: () => number;
  private readonly reason = Buffer.alloc(REASON_BYTES);
  private readonly freezing: BigUint64Array;
  private readonly address: bigint;
  /** What `freezing` names; held here, where V8 does not move or free it. */
  private readonly named: readonly Buffer[];

  /** @throws Error when the library cannot be loaded here, or the C library lacks what it needs. */
  constructor(library: string, how: Freezing) {
    const ffi = builtinModule('node:ffi') as Ffi;
    const { functions } = ffi.dlopen(library, {
      freezer_freeze: { arguments: ['u64'], return: 'i32' },
      freezer_seal: { arguments: ['u64', 'u64'], return: 'i32' },
      freezer_leave: { arguments: ['i32'], return: 'void' },
    });
    this.freezeAt = functions['freezer_freeze'] as unknown as (freezing: bigint) => number;
    this.sealWith = functions['freezer_seal'] as unknown as (program: bigint, length: bigint) => number;
    this.leave = functions['freezer_leave'] as unknown as (code: number) => never;
    const own = ffi.dlopen(null, { RAND_poll: { arguments: [], return: 'i32' } });
    this.pollRandom = own.functions['RAND_poll'] as unknown as () => number;
    // glibc says where in each thread it has registered with the kernel; another C library does not.
    const rseqOffset = ffi.getInt64(ffi.dlsym(own.lib, '__rseq_offset'), 0);
    const rseqBytes = ffi.getUint32(ffi.dlsym(own.lib, '__rseq_size'), 0);
    const { closed, open } = how.filters;
    this.named = [Buffer.from(`${how.door}\0`), Buffer.from(`${how.scratch}\0`), closed, open];
    const [door, scratch, closedAt, openAt] = this.named.map((memory) => ffi.getRawPointer(memory)) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    this.filters = {
      closed: { at: closedAt, length: instructionsIn(closed) },
      open: { at: openAt, length: instructionsIn(open) },
    };
    const namespaces = how.namespaces ? FEATURE_NAMESPACES : 0n;
    const ownUsers = how.ownUsers ? FEATURE_OWN_USERS : 0n;
    this.freezing = BigUint64Array.of(
      BigInt(how.control),
      door,
      scratch,
      closedAt,
      how.sealsAtOnce ? this.filters.closed.length : 0n,
      BigInt.asUintN(64, rseqOffset),
      BigInt(rseqBytes),
      BigInt(how.network ?? 0),
      namespaces | ownUsers,
      ffi.getRawPointer(this.reason),
      0n,
      0n,
    );
    this.address = ffi.getRawPointer(this.freezing);
    // Compiled now: a child makes the call once.
    this.stirRandomness();
  }

  /**
   * Freezes this process. Returns in each child that is forked of it, and never in the process itself, unless
   * a thread was busy: null, and everything is as before.
   * @throws {FreezeRefused} when it cannot be frozen; everything is as before then, too.
   */
  freeze(): Thawed | null {
    const result = this.freezeAt(this.address);
    const { freezing, reason } = this;
    if (result === 0) return { seed: Number(freezing[FIELDS.seed]), pid: Number(freezing[FIELDS.pid]) };
    if (result === NOT_QUIET) return null;
    throw new FreezeRefused(reason.toString('utf8', 0, reason.indexOf(0)));
  }

  /**
   * In a child that was not sealed at once: shuts the last door, right before user code is loaded.
   * @throws Error when the kernel refuses: the runner must not serve then.
   */
  seal(network: 'closed' | 'open'): void {
    const { at, length } = this.filters[network];
    if (this.sealWith(at, length) !== 0) throw new Error('the filter of system calls was refused');
  }

  /** Gives OpenSSL fresh randomness from the kernel, which every generator of this process takes over at its next use. */
  stirRandomness(): void {
    if (this.pollRandom() !== 1) throw new FreezeRefused('OpenSSL takes no fresh randomness');
  }
}
