import type { CompilerPool } from '../../compile/compiler-pool.js';
import type { IsolationCheck } from '../../contract/isolation-report.js';
import { kernelChecks } from './kernel-checks.js';
import { kernelFacts } from './kernel-facts.js';

const NAMED = { name: 'compilers', tries: 'break a compiler that is not kept apart' } as const;

/** What the kernel confirms of a compiler process and of its program. Never rejects. */
export async function compilerCheck(compilers: Pick<CompilerPool, 'any'>): Promise<IsolationCheck> {
  try {
    const { pids, promised } = await compilers.any();
    if (pids.length === 0) throw new Error('the kernel does not show its processes');
    const failed = pids.flatMap((pid) =>
      kernelChecks(kernelFacts(pid), { ...promised, network: 'none' })
        .filter(({ outcome }) => outcome === 'failed')
        .map(({ name, detail }) => `${name}: ${detail}`),
    );
    return failed.length === 0
      ? { ...NAMED, outcome: 'held', by: 'kernel', detail: 'confined as a runner is' }
      : { ...NAMED, outcome: 'failed', by: null, detail: [...new Set(failed)].join('; ') };
  } catch (error) {
    const detail = `it could not be looked at, so nothing is known: ${(error as Error).message}`;
    return { ...NAMED, outcome: 'failed', by: null, detail };
  }
}
