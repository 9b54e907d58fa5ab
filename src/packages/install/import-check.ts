import { realpath } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { runGuarded } from './guarded-process.js';

/** Tries packages of a folder with `node_modules`; one reason for each that cannot be imported. */
export interface ImportChecker {
  /**
   * Returns name -> reason of those that failed.
   * @throws the signal's reason when it was aborted
   */
  check(
    folder: string,
    names: readonly string[],
    signal: AbortSignal,
    onChecked: () => void,
  ): Promise<Map<string, string>>;
}

const CHECK_TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 16_384;
const REASON_CHARS = 500;
const PARALLEL = 2;

/**
 * The package may print, exit or hang: only the line with the mark, written when the import is done,
 * counts. A package without a main entry, to be used by its subpaths, is not at fault.
 */
const PROGRAM = `
const [name, mark] = process.argv.slice(1);
const { writeSync } = process.getBuiltinModule('node:fs');
const { reallyExit } = process;
let answer;
try {
  await import(name);
  answer = { ok: true };
} catch (error) {
  const text = String(error?.message ?? error);
  const subpathsOnly = error?.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' && text.startsWith('No "exports" main');
  answer = { ok: subpathsOnly, reason: (error?.code ? error.code + ': ' : '') + text };
}
writeSync(1, '\\n' + mark + JSON.stringify(answer) + '\\n');
reallyExit.call(process, 0);
`;

/**
 * Imports each package once in a process of its own: our Node with the permission model (it may read
 * this folder and nothing else, no network, no child processes, no addons), an empty environment, a
 * memory limit and 30 s. The shell of runGuarded stands between it and the worker.
 */
export class ProcessImportChecker implements ImportChecker {
  async check(
    folder: string,
    names: readonly string[],
    signal: AbortSignal,
    onChecked: () => void,
  ): Promise<Map<string, string>> {
    const root = await realpath(folder);
    const failures = new Map<string, string>();
    const waiting = [...names];
    const lane = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const reason = await checkOne(root, name, signal);
        signal.throwIfAborted();
        if (reason !== null) failures.set(name, reason);
        onChecked();
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    return failures;
  }
}

async function checkOne(folder: string, name: string, signal: AbortSignal): Promise<string | null> {
  // Types have nothing to import.
  if (name.startsWith('@types/')) return null;
  const mark = `checked-${randomBytes(12).toString('hex')} `;
  const outcome = await runGuarded({
    command: process.execPath,
    args: [
      '--permission',
      `--allow-fs-read=${folder}`,
      '--no-experimental-sqlite',
      '--no-warnings',
      '--max-old-space-size=512',
      '--input-type=module',
      '--eval',
      PROGRAM,
      '--',
      name,
      mark,
    ],
    cwd: folder,
    env: { HOME: '/nonexistent', LANG: 'C', NODE_ENV: 'production' },
    timeoutMs: CHECK_TIMEOUT_MS,
    outputLimitBytes: OUTPUT_LIMIT_BYTES,
    signal,
  });
  if (outcome.ending === 'timed_out') return `was not imported within ${CHECK_TIMEOUT_MS / 1000} s`;
  const line = outcome.stdout.split('\n').find((text) => text.startsWith(mark));
  if (line === undefined) return `ended the process while it was imported (exit code ${outcome.exitCode})`;
  const answer = JSON.parse(line.slice(mark.length)) as { ok: boolean; reason?: string };
  return answer.ok ? null : (answer.reason ?? 'failed').replaceAll(folder, '').slice(0, REASON_CHARS);
}
