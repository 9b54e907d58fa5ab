import {
  allow,
  assemble,
  type Instruction,
  kill,
  loadArch,
  loadArgument,
  loadNumber,
  refuse,
  unlessEqual,
  whenAnyBit,
  whenEqual,
  whenGreater,
} from './bpf.js';
import { fileRules } from './file-call-rules.js';
import { AUDIT_ARCH, type FilterArch, LAST_KNOWN_SYSCALL, type SyscallName } from './syscall-numbers.js';
import { ENOSYS, EPERM, onlyFor, refuseAll, rule } from './syscall-rules.js';

/** Which sockets a runner may open: none; TCP and UDP. Unix sockets and raw ones never. */
export type SocketPolicy = 'none' | 'internet';

/** The runner that a sealed filter is for. */
export interface SealedRunner {
  /** Its process number as it sees it itself: the one process that it may send signals to. */
  ownPid: number;
  sockets: SocketPolicy;
  /** Its user is the worker's, and files of the worker are within its sight. */
  sharedUser: boolean;
  /** Parts of files may be locked. */
  recordLocks: boolean;
}

const CLONE_THREAD = 0x10000;
const CLONE_NEWCGROUP = 0x2000000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_TYPE_FLAGS = [0, 0x800, 0x80000, 0x80800];
/** PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_MM, PR_SET_CHILD_SUBREAPER, PR_SET_PTRACER. */
const FORBIDDEN_PRCTL = [1, 4, 22, 35, 36, 0x59616d61];

/** Never needed by Node, and each a known way out, a way to other processes or to the machine's state. */
const ALWAYS_REFUSED = {
  kernelInterfaces: ['io_uring_setup', 'io_uring_register', 'bpf', 'perf_event_open', 'userfaultfd'],
  otherProcesses: ['ptrace', 'process_vm_readv', 'process_vm_writev', 'process_madvise', 'process_mrelease'],
  processHandles: ['kcmp', 'pidfd_open', 'pidfd_getfd', 'pidfd_send_signal'],
  mounts: ['mount', 'umount2', 'pivot_root', 'chroot', 'move_mount', 'open_tree', 'mount_setattr'],
  newMounts: ['fsopen', 'fsconfig', 'fsmount', 'fspick'],
  namespaces: ['unshare', 'setns', 'sethostname', 'setdomainname'],
  fileHandles: ['name_to_handle_at', 'open_by_handle_at', 'fanotify_init', 'quotactl', 'quotactl_fd'],
  specialFiles: ['mknod', 'mknodat', 'memfd_create', 'memfd_secret'],
  keys: ['add_key', 'request_key', 'keyctl'],
  modules: ['init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load'],
  machine: ['reboot', 'swapon', 'swapoff', 'syslog', 'acct', 'iopl', 'ioperm', 'modify_ldt', 'vhangup'],
  clocks: ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex'],
  outdated: ['personality', 'lookup_dcookie', 'nfsservctl', 'migrate_pages', 'move_pages'],
  /** What lives on in the kernel when its maker is dead. */
  sharedMemory: ['shmget', 'shmat', 'shmctl', 'semget', 'semop', 'semctl', 'semtimedop'],
  messages: ['msgget', 'msgsnd', 'msgrcv', 'msgctl', 'mq_open', 'mq_unlink'],
} as const satisfies Record<string, readonly SyscallName[]>;

/** Needed while a runner boots, and by nothing that user code may do. */
const REFUSED_WHEN_SEALED = {
  programs: ['execve', 'execveat'],
  sessions: ['setsid', 'setpgid'],
  links: ['link', 'linkat', 'symlink', 'symlinkat'],
  users: ['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setgroups'],
  rights: ['setfsuid', 'setfsgid', 'capset', 'seccomp', 'setrlimit'],
  priorities: ['setpriority', 'ioprio_set', 'sched_setaffinity', 'sched_setattr', 'sched_setparam'],
  scheduler: ['sched_setscheduler'],
  signals: ['tkill'],
  landlock: ['landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self'],
} as const satisfies Record<string, readonly SyscallName[]>;

/** What a program that a confined process of ours starts does not need. Pipes are pairs of sockets. */
const REFUSED_TO_PROGRAMS = {
  sockets: ['socket', 'bind', 'listen', 'connect', 'accept', 'accept4'],
  signals: ['kill', 'tkill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'],
  users: REFUSED_WHEN_SEALED.users,
  sessions: REFUSED_WHEN_SEALED.sessions,
  links: REFUSED_WHEN_SEALED.links,
} as const satisfies Record<string, readonly SyscallName[]>;

const SOCKET_CALLS: readonly SyscallName[] = [
  'socket',
  'socketpair',
  'bind',
  'listen',
  'connect',
  'accept',
  'accept4',
];

/** The filter of a runner that boots: it may still execute Node and give up its rights. */
export const bootFilter = (arch: FilterArch): Buffer => assemble(program(arch, []));

/**
 * The filter of a process that starts a program of ours before it seals itself. The program inherits it:
 * as {@link bootFilter}, but processes may be made, and sockets, signals and other users are refused.
 */
export const launchFilter = (arch: FilterArch, sharedUser: boolean): Buffer =>
  assemble([
    ...opening(arch),
    ...fileRules(arch, { sharedUser, recordLocks: false }),
    ...refuseAll(arch, ALWAYS_REFUSED),
    ...refuseAll(arch, REFUSED_TO_PROGRAMS),
    ...rule(arch, 'prlimit64', onlyFor(0, [0])),
    allow,
  ]);

/**
 * The filter of a template: it makes processes with mounts, process numbers, IPC and host name of their own, and
 * mounts what they see; never a network or cgroup namespace. What it forks sets {@link sealedFilter} on top.
 * `ownUsers`: they also have a user namespace each.
 */
export const templateFilter = (arch: FilterArch, ownUsers: boolean): Buffer =>
  assemble([
    ...opening(arch),
    ...rule(arch, 'clone', [
      loadArgument(0),
      ...whenAnyBit(CLONE_NEWNET | CLONE_NEWCGROUP | (ownUsers ? 0 : CLONE_NEWUSER), [refuse(EPERM)]),
      allow,
    ]),
    ...(['fork', 'vfork'] as const).flatMap((name) => rule(arch, name, [refuse(EPERM)])),
    ...(['mount', 'umount2'] as const).flatMap((name) => rule(arch, name, [allow])),
    ...refuseAll(arch, ALWAYS_REFUSED),
    allow,
  ]);

/**
 * The filter under which user code runs. Starting processes, changing rights and everything else that neither
 * Node nor JavaScript needs is refused with EPERM; calls that are newer than our tables do not exist.
 */
export const sealedFilter = (
  arch: FilterArch,
  { ownPid, sockets, sharedUser, recordLocks }: SealedRunner,
): Buffer =>
  assemble(
    program(arch, [
      ...fileRules(arch, { sharedUser, recordLocks }),
      ...refuseAll(arch, REFUSED_WHEN_SEALED),
      ...(['kill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'] as const).flatMap((name) =>
        rule(arch, name, onlyFor(0, [ownPid])),
      ),
      ...rule(arch, 'prlimit64', onlyFor(0, [0, ownPid])),
      ...rule(arch, 'prctl', [
        loadArgument(0),
        ...FORBIDDEN_PRCTL.flatMap((option) => whenEqual(option, [refuse(EPERM)])),
        allow,
      ]),
      ...socketRules(arch, sockets),
    ]),
  );

function program(arch: FilterArch, rules: readonly Instruction[]): Instruction[] {
  return [
    ...opening(arch),
    ...rule(arch, 'clone', [loadArgument(0), ...whenAnyBit(CLONE_THREAD, [allow]), refuse(EPERM)]),
    ...(['fork', 'vfork'] as const).flatMap((name) => rule(arch, name, [refuse(EPERM)])),
    ...refuseAll(arch, ALWAYS_REFUSED),
    ...rules,
    allow,
  ];
}

/** What every filter begins with. */
const opening = (arch: FilterArch): Instruction[] => [
  loadArch,
  ...unlessEqual(AUDIT_ARCH[arch], [kill]),
  loadNumber,
  // Also the calls of the x32 ABI, whose numbers are far above.
  ...whenGreater(LAST_KNOWN_SYSCALL, [refuse(ENOSYS)]),
  // glibc goes on with clone, whose flags a filter can read.
  ...rule(arch, 'clone3', [refuse(ENOSYS)]),
];

function socketRules(arch: FilterArch, sockets: SocketPolicy): Instruction[] {
  if (sockets === 'none') return SOCKET_CALLS.flatMap((name) => rule(arch, name, [refuse(EPERM)]));
  const types = [SOCK_STREAM, SOCK_DGRAM].flatMap((type) => SOCK_TYPE_FLAGS.map((flags) => type | flags));
  const byType = onlyFor(1, types);
  return [
    ...rule(arch, 'socketpair', [refuse(EPERM)]),
    ...rule(arch, 'socket', [
      loadArgument(0),
      // Routing only, protocol 0: the names of the machine's interfaces, which getaddrinfo looks at.
      ...whenEqual(AF_NETLINK, onlyFor(2, [0])),
      ...whenEqual(AF_INET, byType),
      ...whenEqual(AF_INET6, byType),
      refuse(EPERM),
    ]),
  ];
}
