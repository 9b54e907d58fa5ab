import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, BuildResult } from 'esbuild';
import { builtAhead } from '../lib/bundle/built-ahead.js';

/** What confined processes run: each is one file, made of a file of `src` and all that it imports. */
export const CONFINED_PROGRAMS = {
  process: { entry: 'runner/entry/process', format: 'cjs' },
  'thread-host': { entry: 'runner/entry/thread-host', format: 'cjs' },
  thread: { entry: 'runner/entry/thread', format: 'cjs' },
  template: { entry: 'runner/entry/template', format: 'cjs' },
  'self-test': { entry: 'runner/entry/self-test', format: 'esm' },
  compiler: { entry: 'compile/inside/main', format: 'cjs' },
} as const satisfies Readonly<Record<string, { entry: string; format: 'cjs' | 'esm' }>>;

export type ConfinedProgramName = keyof typeof CONFINED_PROGRAMS;

/** Its file: `process.cjs`. */
export const fileOfProgram = (name: ConfinedProgramName): string =>
  `${name}.${CONFINED_PROGRAMS[name].format === 'cjs' ? 'cjs' : 'mjs'}`;

/**
 * Puts a program into a folder: the one that was built ahead, or it is bundled now. One small file boots as fast as an
 * empty script, is the only file of ours that the process must be able to read, and stays as it is when the project is
 * built again while the worker runs.
 * @returns its path
 */
export function placeProgram(name: ConfinedProgramName, dir: string): string {
  const file = join(dir, fileOfProgram(name));
  const ahead = builtAhead(fileOfProgram(name));
  if (ahead === null) writeFileSync(file, bundledText(name));
  else copyFileSync(ahead, file);
  return file;
}

/** A program as text. */
export function programText(name: ConfinedProgramName): string {
  const ahead = builtAhead(fileOfProgram(name));
  return ahead === null ? bundledText(name) : readFileSync(ahead, 'utf8');
}

/** What this process has bundled, so that it does so once. */
const bundled = new Map<ConfinedProgramName, string>();

function bundledText(name: ConfinedProgramName): string {
  const before = bundled.get(name);
  if (before !== undefined) return before;
  const { outputFiles } = bundleProgram(name, fileOfProgram(name), { write: false });
  const text = outputFiles?.[0]?.text as string;
  bundled.set(name, text);
  return text;
}

/**
 * Bundles a program into this file. No process of the bundler's stays in the worker's sight.
 * @param options of esbuild, beside those that every program has
 */
export function bundleProgram(
  name: ConfinedProgramName,
  outfile: string,
  options: BuildOptions = {},
): BuildResult {
  // Loaded where it is needed: a worker that was built does not.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { entry, format } = CONFINED_PROGRAMS[name];
  return buildSync({
    entryPoints: [sourceOf(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    target: 'node26',
    minifySyntax: true,
    logLevel: 'silent',
    ...options,
  });
}

/** Beside the compiled worker it is JavaScript, in tests TypeScript; esbuild takes either. */
const sourceOf = (entry: string): string =>
  ['js', 'ts']
    .map((extension) => fileURLToPath(new URL(`../${entry}.${extension}`, import.meta.url)))
    .find((file) => existsSync(file)) as string;
