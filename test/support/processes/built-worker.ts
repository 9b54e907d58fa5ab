import { globSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

const SOURCES = join(ROOT, 'src');

/** The compiled entry point of the worker. */
export const WORKER_ENTRY = join(ROOT, 'dist', 'main.js');

/**
 * Makes sure that tests of the built worker test the sources that are there.
 * @throws {Error} when `dist` is missing or older than a source.
 */
export function requireFreshBuild(): void {
  const builtAt = statSync(join(ROOT, 'dist', '.built'), { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined || !statSync(WORKER_ENTRY, { throwIfNoEntry: false })) {
    throw new Error('there is no finished build in dist: run "npm run build" first');
  }
  // Half of what a glob takes, for each spec file that starts a worker.
  const newer = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).find(
    (file) =>
      file.endsWith('.ts') && !file.endsWith('.spec.ts') && statSync(join(SOURCES, file)).mtimeMs > builtAt,
  );
  if (newer) throw new Error(`dist is older than ${join('src', newer)}: run "npm run build" first`);
}

/**
 * The same for the console.
 * @throws {Error} when `dist/console` is missing or older than a source of it.
 */
export function requireFreshConsole(): void {
  const builtAt = statSync(join(ROOT, 'dist', '.console-built'), { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined)
    throw new Error('there is no finished console in dist: run "npm run build" first');
  const newer = globSync('console/**/*.{ts,tsx,css,html,svg}', { cwd: ROOT }).find(
    (file) => statSync(join(ROOT, file)).mtimeMs > builtAt,
  );
  if (newer) throw new Error(`dist/console is older than ${newer}: run "npm run build" first`);
}

/**
 * The same for the documentation.
 * @throws {Error} when `dist/docs` is missing or older than a source of it.
 */
export function requireFreshDocs(): void {
  const builtAt = statSync(join(ROOT, 'dist', '.docs-built'), { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined)
    throw new Error('there is no finished documentation in dist: run "npm run build" first');
  const newer = globSync(['docs/**/*.md', 'site/**/*.{ts,css}'], { cwd: ROOT }).find(
    (file) => statSync(join(ROOT, file)).mtimeMs > builtAt,
  );
  if (newer) throw new Error(`dist/docs is older than ${newer}: run "npm run build" first`);
}
