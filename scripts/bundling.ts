// What the bundles of scripts/bundle.ts and scripts/assemble.ts have in common.
import type { BuildOptions } from 'esbuild';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
export const DIST = join(ROOT, 'dist');
/** Name of a file in dist/bundle: a list of the packages that the worker loads beside its bundles. */
export const PACKAGES = 'packages.json';

export const BUNDLED = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;
/** The Node that a worker runs on. */
export const WORKER_TARGET = 'node26';
