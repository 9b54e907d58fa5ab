import { expect, it } from '@jest/globals';
import { CompileError, CompileLimitError } from '../../../src/compile/compile-error.js';
import { useCompilers } from '../../support/compilers.js';
import { randomOf } from '../../../src/faults/seeded-random.js';

const SOURCES = 2_000;
const AT_ONCE = 8;
const SEED = 20_261_128;

/** What sources are put together from: each a beginning, an end or a middle of something. */
const PIECES = [
  'import §export §default §const §let a§enum E {§namespace N {§class C §@dec §type T = §function f(§) => §async §await ',
  'yield* §using x = §require("§require(\'§import("§import.meta§(§)§[§]§{§}§<§>§`§${§"§\'§/§/*§*/§//§\\§#!§@§~§...§?.§??=',
  '"use strict";§module.exports = §__proto__§constructor§a§1n§0x§\u2028§\ud800§😀§\0§\n§\t§ §<a>§</a>§export { a as "var:000:a" };',
  '//# sourceMappingURL=data:application/json;base64,e30=§__bifrost_require("x")',
].flatMap((line) => line.split('§'));
const PATHS = ['a.ts', 'a.tsx', 'a.js', 'a.cjs', 'a.mts', 'a.json'];

const { compile, pool } = useCompilers();

it(`answers ${SOURCES} arbitrary sources with code or with the fault of that source`, async () => {
  const next = randomOf(SEED);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const source = (): string =>
    Array.from({ length: 1 + Math.floor(next() * 40) }, () => {
      const piece = pick(PIECES);
      return next() < 0.02 ? piece.repeat(200) : piece;
    }).join('');
  const outcomes = { compiled: 0, invalid: 0, refused: 0 };
  const one = async (): Promise<void> => {
    for (let count = 0; count < SOURCES / AT_ONCE; count += 1) {
      const [path, code, probe] = [pick(PATHS), source(), next() < 0.5];
      try {
        const compiled = await compile(code, { path, probe });
        expect(typeof compiled.source).toBe('string');
        outcomes.compiled += 1;
      } catch (error) {
        if (error instanceof CompileError) outcomes.invalid += 1;
        else if (error instanceof CompileLimitError) outcomes.refused += 1;
        else throw new Error(`of ${JSON.stringify(code)} came ${String(error)}`, { cause: error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  expect(outcomes.compiled + outcomes.invalid + outcomes.refused).toBe(SOURCES);
  // It is no test of the compiler's patience alone.
  expect(outcomes.compiled).toBeGreaterThan(SOURCES / 100);
  expect(outcomes.invalid).toBeGreaterThan(SOURCES / 2);
  expect(pool.problem).toBeNull();
});
