import { arch, constants, platform } from 'node:os';
import type { Confinement, NetworkPolicy } from '../../contract/confinement.js';
import { launchFilter, sealedFilter } from '../../boundary/filter/syscall-filter.js';
import { type FilterArch, syscallNumber } from '../../boundary/filter/syscall-numbers.js';
import { Kernel } from './kernel.js';
import { restrictFiles } from './landlock.js';
import { giveUp } from './rights.js';

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = constants.signals.SIGKILL;
const RLIMIT_NPROC = 6;
const SECCOMP_SET_MODE_FILTER = 1;
/** For every thread of the process, not only the calling one. */
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const INSTRUCTION_BYTES = 8;

/** Applies the last restriction; called right before user code is loaded; only the first call counts. */
export type Seal = (network: NetworkPolicy) => void;

/**
 * Confines this process as the worker says. What user code could undo is done before it is loaded,
 * partly at once and partly by the returned function. Afterwards no code in this process can use FFI.
 * `likely`: what the seal will most likely be called with; the filter for that is built now, where no execution waits.
 * `startsPrograms`: until the seal, programs may be started; they inherit everything that was done so far.
 * Linux only; elsewhere the end of the command descriptor ends an idle runner.
 * @throws Error when the kernel refuses: the runner must not serve then.
 */
export function harden(confinement: Confinement, likely: NetworkPolicy, startsPrograms = false): Seal {
  if (platform() !== 'linux') return () => undefined;
  const kernel = new Kernel();
  const { uid, maxTasks, files, parentPid } = confinement;
  if (uid !== null) becomeUser(uid);
  if (maxTasks !== null) limitTasks(kernel, maxTasks);
  prctl(kernel, PR_SET_NO_NEW_PRIVS, 1);
  if (confinement.hidden) prctl(kernel, PR_SET_DUMPABLE, 0);
  if (parentPid !== null) dieWith(kernel, parentPid);
  if (files !== null) restrictFiles(kernel, files);
  if (startsPrograms && confinement.filter)
    setFilter(kernel, launchFilter(filterArch(), confinement.sharedUser));
  const filter = (network: NetworkPolicy): Buffer => filterFor(network, confinement);
  const program = confinement.filter ? filter(likely) : null;
  let sealed = false;
  return (network) => {
    if (sealed) return;
    sealed = true;
    if (program) setFilter(kernel, network === likely ? program : filter(network));
    kernel.close();
    if (network !== 'open') giveUp('net');
  };
}

/** Of the two architectures that we know; another one has no filter, which the worker finds out at its start. */
function filterArch(): FilterArch {
  const name = arch();
  if (name === 'x64' || name === 'arm64') return name;
  throw new Error(`system calls cannot be filtered on ${name}`);
}

function prctl(kernel: Kernel, option: number, value: number): void {
  kernel.call(`prctl(${option})`, syscallNumber('prctl', filterArch()) as number, option, value);
}

/** Changing the user gives up every capability, in all threads. */
function becomeUser(uid: number): void {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}

/** The kernel kills this process when its parent dies, however it dies, also while user code blocks the event loop. */
function dieWith(kernel: Kernel, parentPid: number): void {
  prctl(kernel, PR_SET_PDEATHSIG, SIGKILL);
  // It may have died before the call: then the signal never comes.
  if (process.ppid !== parentPid) process.exit(0);
}

function limitTasks(kernel: Kernel, maxTasks: number): void {
  const limits = Buffer.alloc(16);
  limits.writeBigUInt64LE(BigInt(maxTasks), 0);
  limits.writeBigUInt64LE(BigInt(maxTasks), 8);
  kernel.call(
    'setrlimit(NPROC)',
    syscallNumber('prlimit64', filterArch()) as number,
    0,
    RLIMIT_NPROC,
    limits,
    0,
  );
}

const filterFor = (network: NetworkPolicy, { sharedUser, recordLocks }: Confinement): Buffer =>
  sealedFilter(filterArch(), {
    ownPid: process.pid,
    sockets: network === 'open' ? 'internet' : 'none',
    sharedUser,
    recordLocks,
  });

function setFilter(kernel: Kernel, program: Buffer): void {
  // struct sock_fprog
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length / INSTRUCTION_BYTES, 0);
  header.writeBigUInt64LE(kernel.addressOf(program), 8);
  kernel.call(
    'seccomp',
    syscallNumber('seccomp', filterArch()) as number,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_TSYNC,
    header,
  );
}
