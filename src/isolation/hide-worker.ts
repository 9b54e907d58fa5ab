import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PR_SET_DUMPABLE = 4;
/** A hidden process that is not root's cannot read this itself any more. */
let environment: string | null = null;

interface Ffi {
  getRawPointer(memory: Buffer): bigint;
  dlopen(
    library: null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: { prctl(option: number, ...rest: readonly bigint[]): number } };
}

/**
 * Lets only root read this process's memory, environment and descriptors in /proc, also not another
 * process of the same user, such as a runner of a worker that is not root. Debuggers cannot attach either.
 * @returns why that could not be done; null: it is done.
 */
export function hideWorker(): string | null {
  if (process.platform !== 'linux') return `there is no prctl on ${process.platform}`;
  environment ??= ownEnvironment();
  try {
    const { functions } = openFfi().dlopen(null, {
      prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    });
    const done = functions.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0;
    return done ? null : 'the kernel refused prctl(PR_SET_DUMPABLE)';
  } catch (error) {
    return (error as Error).message;
  }
}

/** SHA-256 of what /proc shows of this process's environment to a permitted reader; null: nothing. */
export const environmentDigest = (): string | null => environment;

function ownEnvironment(): string | null {
  try {
    const content = readFileSync('/proc/self/environ');
    return content.length === 0 ? null : createHash('sha256').update(content).digest('hex');
  } catch {
    return null;
  }
}

/** Where in this process's memory a buffer is; null where there is no FFI. */
export function addressOf(memory: Buffer): bigint | null {
  try {
    return openFfi().getRawPointer(memory);
  } catch {
    return null;
  }
}

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
