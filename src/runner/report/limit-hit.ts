import type { LimitHit } from '../../boundary/runner-limits.js';

/** Errors of Node that a limit of the worker causes, by their code. */
const LIMITS_BY_CODE: Readonly<Record<string, LimitHit>> = {
  __proto__: null as never,
  ERR_MEMORY_ALLOCATION_FAILED: 'memory',
  EFBIG: 'file-size',
  EMFILE: 'open-files',
};
const LIMITS_BY_PERMISSION: Readonly<Record<string, LimitHit>> = {
  __proto__: null as never,
  ChildProcess: 'processes',
  WorkerThreads: 'processes',
};

/** The limit that caused a thrown error; null: no limit of the worker. May throw what getters of the error throw. */
export function limitHitOf(error: Error): LimitHit | null {
  const { code, permission } = error as { code?: unknown; permission?: unknown };
  if (code === 'ERR_ACCESS_DENIED' && typeof permission === 'string')
    return LIMITS_BY_PERMISSION[permission] ?? null;
  return typeof code === 'string' ? (LIMITS_BY_CODE[code] ?? null) : null;
}
