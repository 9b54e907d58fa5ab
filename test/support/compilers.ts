import { afterAll } from '@jest/globals';
import { CompileClock } from '../../src/compile/compile-clock.js';
import { Compiler } from '../../src/compile/compiler.js';
import { CompilerPool } from '../../src/compile/compiler-pool.js';
import { sha256 } from '../../src/lib/sha256.js';
import { settingsOf } from './parts.js';
import { compilerSettings } from '../../src/config/slices.js';

const ROOT_URL = 'file:///w/';

/** A compiler on real processes, ended with the suite. */
export function useCompilers(changes: Record<string, string> = {}) {
  const settings = settingsOf(changes);
  const pool = new CompilerPool(compilerSettings.of(settings));
  const compiler = new Compiler(pool, ROOT_URL, compilerSettings.of(settings));
  afterAll(() => pool.stop());
  const compile = (
    source: string,
    options: { path?: string; probe?: boolean; tsconfig?: string; timeoutMs?: number } = {},
  ) => {
    const { path = 'a.ts', probe = false, tsconfig = '', timeoutMs = null } = options;
    return compiler.compile(path, source, sha256(source), {
      probe,
      tsconfig,
      clock: new CompileClock(timeoutMs),
    });
  };
  return { pool, compiler, compile };
}
