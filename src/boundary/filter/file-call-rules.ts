import {
  allow,
  doNothing,
  type Instruction,
  loadArgument,
  loadUpperArgument,
  refuse,
  unlessEqual,
  whenAnyBit,
  whenEqual,
} from './bpf.js';
import type { FilterArch, SyscallName } from './syscall-numbers.js';
import { ENOSYS, EPERM, onlyFor, refuseAll, rule } from './syscall-rules.js';

const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_TRUNC = 0o1000;
const O_ASYNC = 0o20000;

const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_GETLK = 5;
const F_SETLK = 6;
const F_SETLKW = 7;
const F_DUPFD_CLOEXEC = 1030;
const F_GETPIPE_SZ = 1032;
/**
 * What Node, libuv and the C library use. Among the others: F_SETOWN, F_SETSIG and F_SETOWN_EX make the kernel
 * send a signal to any process, F_SETLEASE makes the worker wait when it opens a file, locks make it wait too.
 */
const ALLOWED_FCNTL = [F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ];
/**
 * Locks of parts of a file, which SQLite takes. To lock others out, the file must be open for writing; a lock of
 * readers is in no reader's way. By `flock`, readers could lock each other out.
 */
const RECORD_LOCKS = [F_GETLK, F_SETLK, F_SETLKW];

const TCGETS = 0x5401;
const TCGETS2 = 0x802c542a;
const TIOCGWINSZ = 0x5413;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FICLONE = 0x40049409;
const SIOCGIFNAME = 0x8910;
const SIOCGIFINDEX = 0x8933;
/**
 * The same. Among the others: FIOSETOWN, SIOCSPGRP and FIOASYNC (signals to any process), FS_IOC_SETFLAGS,
 * FS_IOC_FSSETXATTR and FS_IOC_ENABLE_VERITY (properties of files that are open for reading only), TIOCSTI.
 */
const ALLOWED_IOCTL = [
  FIOCLEX,
  FIONCLEX,
  FIONBIO,
  FIONREAD,
  TCGETS,
  TCGETS2,
  TIOCGWINSZ,
  FICLONE,
  SIOCGIFNAME,
  SIOCGIFINDEX,
];

/** On files that Landlock keeps from a runner too, and of no use to Node. */
const REFUSED_ON_FILES = {
  attributes: ['setxattr', 'lsetxattr', 'fsetxattr', 'removexattr', 'lremovexattr', 'fremovexattr'],
  /** Node truncates by descriptor; by path only newer Landlock is asked (Linux 6.2). */
  contents: ['truncate'],
  locks: ['flock'],
  /** Pages of memory that others read; also the way of "Dirty Pipe". */
  pipes: ['vmsplice', 'splice', 'tee'],
  disks: ['sync', 'syncfs', 'cachestat'],
} as const satisfies Record<string, readonly SyscallName[]>;

/** Landlock does not ask about these, and the owner of a file may: a runner with its worker's user owns the worker's files. */
const REFUSED_TO_SHARED_USER = {
  modes: ['chmod', 'fchmodat', 'fchmodat2'],
  owners: ['chown', 'lchown', 'fchown', 'fchownat'],
  times: ['utime', 'utimes', 'futimesat'],
  /** Names of what others create and delete. */
  watches: ['inotify_add_watch'],
} as const satisfies Record<string, readonly SyscallName[]>;

/**
 * Calls on files and descriptors, for code that may have descriptors and paths of files that are not its own.
 * Where one call has many operations (fcntl, ioctl), only those that are needed are allowed.
 * `sharedUser`: files of the worker belong to the runner's user too: docs/decisions/0013.
 * `recordLocks`: parts of files may be locked: docs/decisions/0021.
 */
export const fileRules = (
  arch: FilterArch,
  { sharedUser, recordLocks }: { sharedUser: boolean; recordLocks: boolean },
): Instruction[] => [
  ...rule(arch, 'openat', openBlock(2)),
  ...rule(arch, 'open', openBlock(1)),
  // Its flags are in memory, where a filter cannot look; the C library goes on with openat.
  ...rule(arch, 'openat2', [refuse(ENOSYS)]),
  ...rule(arch, 'fcntl', [
    loadArgument(1),
    ...whenEqual(F_SETFL, [loadArgument(2), ...whenAnyBit(O_ASYNC, [refuse(EPERM)]), allow]),
    ...onlyFor(1, recordLocks ? [...ALLOWED_FCNTL, ...RECORD_LOCKS] : ALLOWED_FCNTL),
  ]),
  ...rule(arch, 'ioctl', onlyFor(1, ALLOWED_IOCTL)),
  ...refuseAll(arch, REFUSED_ON_FILES),
  ...(sharedUser ? sharedUserRules(arch) : []),
];

/**
 * Refuses an open that asks for neither reading nor writing (both bits: "for ioctl only"), which Landlock
 * does not count as an access, and one that truncates without asking for writing, which it counts since Linux 6.2.
 */
const openBlock = (flags: number): Instruction[] => [
  loadArgument(flags),
  ...whenAnyBit(O_WRONLY, [...whenAnyBit(O_RDWR, [refuse(EPERM)]), allow]),
  ...whenAnyBit(O_RDWR, [allow]),
  ...whenAnyBit(O_TRUNC, [refuse(EPERM)]),
  allow,
];

/**
 * By descriptor, what libuv does to a file that it has just copied (fs.copyFile, which fails otherwise) has
 * no effect instead of being refused: a filter cannot distinguish a file of the scratch folder from one of the
 * packages, which the code may open for reading and the same user owns.
 */
const sharedUserRules = (arch: FilterArch): Instruction[] => [
  ...refuseAll(arch, REFUSED_TO_SHARED_USER),
  ...rule(arch, 'fchmod', [doNothing]),
  ...rule(arch, 'utimensat', [
    loadArgument(1),
    ...unlessEqual(0, [refuse(EPERM)]),
    loadUpperArgument(1),
    ...unlessEqual(0, [refuse(EPERM)]),
    doNothing,
  ]),
];
