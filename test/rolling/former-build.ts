import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The worker of another commit, built in a folder of its own. */
export interface FormerBuild {
  /** Short hash. */
  commit: string;
  /** Its compiled entry point. */
  main: string;
  dispose(): void;
}

const run = (command: string, args: string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });

/** FROM, else the last tag of a version that this commit is built on. @throws {Error} when there is neither. */
export function formerCommit(env: NodeJS.ProcessEnv): string {
  const named = env['FROM'];
  if (named) return run('git', ['rev-parse', '--short', `${named}^{commit}`], ROOT).trim();
  try {
    const tag = run('git', ['describe', '--tags', '--abbrev=0', '--match', 'v*'], ROOT).trim();
    return run('git', ['rev-parse', '--short', `${tag}^{commit}`], ROOT).trim();
  } catch {
    throw new Error(
      'there is no tag of a version; name the commit to compare with: FROM=abc1234 npm run test:rolling',
    );
  }
}

/**
 * Builds the worker of a commit. Its packages are those of this checkout where the two have the same lock file, else they
 * are installed.
 */
export function buildCommit(commit: string): FormerBuild {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-former-'));
  const archive = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 1 << 28 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  const lockOf = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (packagesOf(lockOf(folder)) === packagesOf(lockOf(ROOT)))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  else run('npm', ['ci', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund'], folder);
  run(process.execPath, [join(folder, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build'], folder);
  return {
    commit,
    main: join(folder, 'dist', 'main.js'),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What is installed from the registry; packages of the checkout itself do not count. */
function packagesOf(lock: string): string {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { link?: boolean }> };
  const entries = Object.entries(packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
  );
  return JSON.stringify(entries);
}
