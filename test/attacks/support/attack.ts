import { release } from 'node:os';

/** What an attack can aim at; everything is there, and reached when nothing keeps code from it. */
export interface Target {
  /** The worker: parent of the runner, holds the canary in its environment and in its memory. */
  workerPid: number;
  /** Address of the canary in the worker's memory. */
  canaryAddress: string;
  /** Canary that a file outside the scratch folder holds, and the scratch folder of another runner. */
  canary: string;
  outsideFile: string;
  outsideFolder: string;
  /** Number of a descriptor that the worker was started with; it is of a file with the canary. */
  inheritedDescriptor: number;
  /** Process of another runner, and the file with the canary in its scratch folder. */
  otherPid: number;
  otherFile: string;
  /** TCP servers that answer with the canary: as Redis, and on the metadata address where that could be made. */
  redisPort: number;
  httpPort: number;
  metadataPort: number | null;
  /** An HTTP server inside that no rule opens, one that code may reach, and that sends `/?URL` on to that URL. */
  insidePort: number;
  allowedPort: number;
  unixSocket: string;
  abstractSocket: string;
  /** A name server that answers with the canary. */
  dnsPort: number;
  /** A folder as that of the package sets, with a file in it. */
  packagesFolder: string;
  /** A file of it, which code may read. */
  packageFile: string;
  /** The file system of `outsideFile` keeps extended attributes. */
  hasAttributes: boolean;
  /** The nonce of frames where that layer is off; otherwise a wrong guess. */
  knownNonce: string;
  /** No layers: attacks on the order of messages may come first. */
  early: boolean;
  /** Packages may load native code. */
  nativeAddons: boolean;
  isRoot: boolean;
}

/** How the execution ended, as the worker saw it. */
export interface Ending {
  verdict: string | null;
  value: unknown;
  error: string | null;
  exit: { exitCode: number | null; signal: string | null };
  durationMs: number;
  peakMb: number;
  output: string;
  /** What the worker took of the artifacts folder, by name; with no layer as a program would that trusts it. */
  artifacts: Record<string, string>;
}

/** What the test looks at besides what the code returned. */
export interface World {
  target: Target;
  ending: Ending;
  /** Processes with this word in their command line that are alive now. */
  survivors: (word: string) => number[];
  /** What the worker wrote to its own output so far. */
  workerOutput: string;
  /** Signals that the worker has seen. */
  workerSignals: string[];
  /** It stood still at some time. */
  workerStopped: boolean;
  /** Files of the worker (`outsideFile`, `packageFile`) whose contents, mode, owner, times or attributes are others than before. */
  changedFiles: string[];
  exists: (path: string) => boolean;
  /** '' when it is not there. */
  contentOf: (path: string) => string;
}

/** One way in which hostile code may try to get at something. One file each, in `catalog/`. */
export interface Attack {
  /** How it works. */
  mechanism: string;
  /** What refuses it: Node's permission model (N), the kernel at the level namespace (K) and process (P). */
  refusal: string;
  /** For attacks at the network `proxy`: NETWORK_ALLOW. With no layer the worker connects to whatever is asked for. */
  proxy?(target: Target): string;
  /** Whether the kernel alone refuses it, with Node's permission model switched off. */
  kernel: boolean;
  /** A module whose default export carries out the attack and returns what it got. */
  code(target: Target): string;
  /** Whether it got there: looks for the canary, never at an error's text. */
  reached(world: World): boolean;
  timeoutMs?: number;
  /** What it wants is allowed where packages may load native code, and so it must get it. */
  allowedWithAddons?: boolean;
  /** In the quick part that `npm test` runs. */
  quick?: boolean;
  /** A reason why it cannot reach anything on this machine even with all layers off; null: it can. */
  impossible?(target: Target): string | null;
}

/** Source of a function `syscall(number, ...args)` for code that has FFI, which only the kernel-only runs have. */
export const SYSCALL = `
const ffi = process.getBuiltinModule('node:ffi');
const lib = ffi.dlopen(null, { syscall: { arguments: Array(7).fill('i64'), return: 'i64' } }).functions;
const text = (s) => { const b = Buffer.from(s + '\\0'); held.push(b); return ffi.getRawPointer(b) };
const held = [];
const syscall = (n, ...args) => Number(lib.syscall(BigInt(n), ...Array.from({ length: 6 }, (_, i) => Buffer.isBuffer(args[i]) ? (held.push(args[i]), ffi.getRawPointer(args[i])) : BigInt(args[i] ?? 0))));
`;

/** Whether this kernel is of that version or newer. */
export function sinceLinux(major: number, minor: number): boolean {
  const [has = 0, hasMinor = 0] = release().split('.').map(Number);
  return has > major || (has === major && hasMinor >= minor);
}
