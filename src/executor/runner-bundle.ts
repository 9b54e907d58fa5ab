import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Beside the compiled worker it is JavaScript, in tests TypeScript; esbuild takes either. */
const ENTRY = ['js', 'ts']
  .map((extension) => fileURLToPath(new URL(`../runner/process.${extension}`, import.meta.url)))
  .find((file) => existsSync(file)) as string;

/**
 * Bundles the runner into one CommonJS file in `dir` and returns its path. One small file boots as
 * fast as an empty script, is the only file that a runner must be able to read, and stays as it is
 * when the project is built again while the worker runs.
 */
export async function bundleRunner(dir: string): Promise<string> {
  const outfile = join(dir, 'runner.cjs');
  await build({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minifySyntax: true,
    logLevel: 'silent',
  });
  return outfile;
}
