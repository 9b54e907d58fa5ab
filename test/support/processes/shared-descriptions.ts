import { readdirSync } from 'node:fs';

const NR_KCMP = process.arch === 'arm64' ? 272 : 312;
const KCMP_FILE = 0;

interface Ffi {
  dlopen(
    library: null,
    symbols: Record<string, { arguments: string[]; return: string }>,
  ): { functions: { syscall: (...args: bigint[]) => bigint } };
}

/**
 * Pairs of descriptors of two processes that are one open file, so that what the one does to its position, flags
 * or content happens to the other, as the kernel says (kcmp).
 */
export function sharedDescriptions(a: number, b: number): string[] {
  const { functions } = (process.getBuiltinModule('node:ffi') as unknown as Ffi).dlopen(null, {
    syscall: { arguments: ['i64', 'i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
  });
  const same = (fdOfA: number, fdOfB: number): boolean => {
    const args = [NR_KCMP, a, b, KCMP_FILE, fdOfA, fdOfB].map(BigInt);
    const order = functions.syscall(...args);
    if (order < 0n) throw new Error(`kcmp of processes ${a} and ${b} was refused`);
    return order === 0n;
  };
  return descriptorsOf(a).flatMap((fdOfA) =>
    descriptorsOf(b).flatMap((fdOfB) => (same(fdOfA, fdOfB) ? [`${fdOfA}=${fdOfB}`] : [])),
  );
}

const descriptorsOf = (pid: number): number[] => readdirSync(`/proc/${pid}/fd`).map(Number);
