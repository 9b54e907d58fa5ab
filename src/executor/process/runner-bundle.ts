import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Paths of the bundled entry points of a kind of runner, by name. */
export type RunnerBundles = Readonly<Record<string, string>>;

/** Beside the compiled worker it is JavaScript, in tests TypeScript; esbuild takes either. */
const sourceOf = (name: string): string =>
  ['js', 'ts']
    .map((extension) => fileURLToPath(new URL(`../../runner/entry/${name}.${extension}`, import.meta.url)))
    .find((file) => existsSync(file)) as string;

/**
 * Bundles each of these files of src/runner/entry into one CommonJS file in `dir`. One small file boots as
 * fast as an empty script, is the only file that a runner must be able to read, and stays as it is
 * when the project is built again while the worker runs. No process of esbuild's stays in the worker's sight.
 */
export function bundleRunners(dir: string, entries: readonly string[]): RunnerBundles {
  buildSync({
    entryPoints: Object.fromEntries(entries.map((name) => [name, sourceOf(name)])),
    outdir: dir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minifySyntax: true,
    logLevel: 'silent',
  });
  return Object.fromEntries(entries.map((name) => [name, join(dir, `${name}.cjs`)]));
}

/** The code of the self-test, as one module that a runner can be sent. */
export function bundleSelfTest(): string {
  const { outputFiles } = buildSync({
    entryPoints: [sourceOf('self-test')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text as string;
}
