import { realpath } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { arch, platform } from 'node:os';
import { sealedFilter } from '../../boundary/filter/syscall-filter.js';
import { syscallNumber } from '../../boundary/filter/syscall-numbers.js';
import { runGuarded } from './guarded-process.js';

/** Why a package cannot be imported. */
export interface ImportFailure {
  reason: string;
  /** It asked for native code, which the check never loads. */
  needsAddon: boolean;
}

/** Tries packages of a folder with `node_modules`. */
export interface ImportChecker {
  /**
   * Returns name -> why, of those that failed.
   * @throws the signal's reason when it was aborted
   */
  check(
    folder: string,
    names: readonly string[],
    signal: AbortSignal,
    onChecked: () => void,
  ): Promise<Map<string, ImportFailure>>;
}

const CHECK_TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT_BYTES = 16_384;
const REASON_CHARS = 500;
const PARALLEL = 2;

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
/** For every thread of the process. */
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/**
 * The filter of system calls that user code has on a runner, as the program is given it; '' where there is none. Node's
 * permission model refuses neither signals nor priorities, and the process has the user of the worker.
 */
function callsOfProgram(): string {
  const machine = arch();
  if (platform() !== 'linux' || (machine !== 'x64' && machine !== 'arm64')) return '';
  // What it may signal is the number of no process: its own is not known before it starts.
  const rules = { ownPid: NO_PROCESS, sockets: 'none', sharedUser: true, recordLocks: false } as const;
  const program = sealedFilter(machine, rules).toString('base64');
  return JSON.stringify({
    prctl: syscallNumber('prctl', machine),
    seccomp: syscallNumber('seccomp', machine),
    program,
  });
}

/** Above every number that the kernel gives. */
const NO_PROCESS = 0x7fff_ffff;

/**
 * The package may print, exit or hang: only the line with the mark, written when the import is done,
 * counts. A package without a main entry, to be used by its subpaths, is not at fault.
 */
const PROGRAM = `
const [name, mark, calls] = process.argv.slice(1);
if (calls) {
  const { prctl, seccomp, program } = JSON.parse(calls);
  const ffi = process.getBuiltinModule('node:ffi');
  const { syscall } = ffi.dlopen(null, { syscall: { arguments: Array(7).fill('i64'), return: 'i64' } }).functions;
  const call = (...args) => syscall(...Array.from({ length: 7 }, (_, index) => BigInt(args[index] ?? 0)));
  const filter = Buffer.from(program, 'base64');
  // struct sock_fprog
  const header = Buffer.alloc(16);
  header.writeUInt16LE(filter.length / 8, 0);
  header.writeBigUInt64LE(ffi.getRawPointer(filter), 8);
  call(prctl, ${PR_SET_NO_NEW_PRIVS}, 1);
  call(seccomp, ${SECCOMP_SET_MODE_FILTER}, ${SECCOMP_FILTER_FLAG_TSYNC}, ffi.getRawPointer(header));
}
process.permission.drop('ffi');
const { writeSync } = process.getBuiltinModule('node:fs');
const { reallyExit } = process;
let answer;
let needsAddon = false;
const { dlopen } = process;
process.dlopen = (...args) => {
  try {
    return dlopen.apply(process, args);
  } catch (error) {
    needsAddon ||= error?.code === 'ERR_DLOPEN_DISABLED';
    throw error;
  }
};
try {
  await import(name);
  answer = { ok: true };
} catch (error) {
  const text = String(error?.message ?? error);
  const subpathsOnly = error?.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' && text.startsWith('No "exports" main');
  answer = { ok: subpathsOnly, needsAddon, reason: (error?.code ? error.code + ': ' : '') + text };
}
writeSync(1, '\\n' + mark + JSON.stringify(answer) + '\\n');
reallyExit.call(process, 0);
`;

/**
 * Imports each package once in a process of its own: our Node with the permission model (it may read
 * this folder and nothing else, no network, no child processes, no addons), the filter of system calls of a
 * runner, an empty environment, a memory limit and 30 s. The shell of runGuarded stands between it and the worker.
 */
export class ProcessImportChecker implements ImportChecker {
  async check(
    folder: string,
    names: readonly string[],
    signal: AbortSignal,
    onChecked: () => void,
  ): Promise<Map<string, ImportFailure>> {
    const root = await realpath(folder);
    const failures = new Map<string, ImportFailure>();
    const waiting = [...names];
    const lane = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const failure = await checkOne(root, name, signal);
        signal.throwIfAborted();
        if (failure !== null) failures.set(name, failure);
        onChecked();
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    return failures;
  }
}

async function checkOne(folder: string, name: string, signal: AbortSignal): Promise<ImportFailure | null> {
  // Types have nothing to import.
  if (name.startsWith('@types/')) return null;
  const mark = `checked-${randomBytes(12).toString('hex')} `;
  const outcome = await runGuarded({
    command: process.execPath,
    args: [
      '--permission',
      // For the filter; given up before the package is imported.
      '--allow-ffi',
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
      callsOfProgram(),
    ],
    cwd: folder,
    env: { HOME: '/nonexistent', LANG: 'C', NODE_ENV: 'production' },
    timeoutMs: CHECK_TIMEOUT_MS,
    outputLimitBytes: OUTPUT_LIMIT_BYTES,
    signal,
  });
  if (outcome.ending === 'timed_out') return failed(`was not imported within ${CHECK_TIMEOUT_MS / 1000} s`);
  const line = outcome.stdout.split('\n').find((text) => text.startsWith(mark));
  if (line === undefined)
    return failed(`ended the process while it was imported (exit code ${outcome.exitCode})`);
  const answer = JSON.parse(line.slice(mark.length)) as {
    ok: boolean;
    needsAddon?: boolean;
    reason?: string;
  };
  if (answer.ok) return null;
  const reason = (answer.reason ?? 'failed').replaceAll(folder, '').slice(0, REASON_CHARS);
  return answer.needsAddon
    ? { reason: `needs native code, see NATIVE_ADDONS: ${reason}`, needsAddon: true }
    : failed(reason);
}

const failed = (reason: string): ImportFailure => ({ reason, needsAddon: false });
