import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Confinement } from '../contract/confinement.js';
import { MemoryPlace } from './memory-place.js';
import type {
  IsolationLevel,
  ProcessEnd,
  RunnerPlace,
  StartCommand,
  ProcessAccess,
  TemplateLevel,
  TemplateParts,
} from './isolation-level.js';
import { EXTRA_FD } from './isolation-level.js';
import { foldersAbove } from './node-libraries.js';
import { childOf } from '../lib/process/process-tree.js';
import { MAX_TASKS } from './process-level.js';
import { RunnerUsers } from './runner-users.js';

/** What the level is made of on this machine. */
export interface NamespaceParts {
  /** Path of bubblewrap. */
  bwrap: string;
  /** Arguments that show the runner the libraries that Node needs. */
  libraries: readonly string[];
  /** Path of the compiled filter under which Node boots; null: it boots without one. */
  bootFilter: string | null;
  /** Path of that of templates; null: there are none. */
  templateFilter: string | null;
  access: ProcessAccess;
  scratchBytes: number;
}

const SHELL_SIGNAL_BASE = 128;
/** Where a template has the socket of the worker. */
const DOOR = '/door';
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];
/** Only with the machine's network. */
const NAME_SERVICE = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/gai.conf',
  '/etc/host.conf',
];
/** Of two names for one number the first is the usual one: SIGABRT, not SIGIOT. */
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/**
 * Each runner in namespaces of its own, made by bubblewrap: it sees no process but itself, no network, and
 * of the files Node, its libraries, the runner, the packages and a folder in memory.
 *
 * As root the mounts are made with root's rights and the runner then becomes a user of its own; as another
 * user a user namespace gives the right to make them.
 */
export class NamespaceLevel implements IsolationLevel {
  readonly name = 'namespace';
  private readonly users = process.getuid?.() === 0 ? RunnerUsers.ofWorker : null;

  constructor(private readonly parts: NamespaceParts) {}

  openPlace(): Promise<RunnerPlace> {
    const uid = this.users?.take() ?? null;
    const { packageSets } = this.parts.access;
    return Promise.resolve(
      new MemoryPlace(
        uid,
        packageSets !== null && existsSync(packageSets),
        () => uid !== null && this.users?.giveBack(uid),
      ),
    );
  }

  command(place: RunnerPlace, nodeArgs: readonly string[]): StartCommand {
    const { bootFilter } = this.parts;
    return this.bubblewrap([...this.namespaces(place), ...this.mounts(place)], bootFilter, nodeArgs);
  }

  forTemplate({ files, door }: TemplateParts): TemplateLevel | null {
    const { templateFilter, scratchBytes } = this.parts;
    if (templateFilter === null) return null;
    const ownUsers = this.users === null;
    const shown = [...files.flatMap((path) => ['--ro-bind', path, path]), '--bind', door, DOOR];
    return {
      name: this.name,
      openPlace: () => this.openPlace(),
      command: (place, nodeArgs) => {
        const args = [...this.namespaces(place), ...templateRights(ownUsers), ...this.mounts(place, shown)];
        return this.bubblewrap(args, templateFilter, nodeArgs);
      },
      confinement: (place) => this.confinement(place),
      // It is process 1 itself.
      runnerPid: childOf,
      runnerEnd: (end) => this.runnerEnd(end),
      forTemplate: (parts) => this.forTemplate(parts),
      door: DOOR,
      namespaces: true,
      ownUsers,
      scratchBytes,
    };
  }

  confinement({ uid }: RunnerPlace): Confinement {
    // bubblewrap ties it to the worker's life, and its mounts are all the files that there are: read-only but its own.
    return {
      parentPid: null,
      uid,
      maxTasks: MAX_TASKS,
      hidden: false,
      files: null,
      filter: true,
      sharedUser: false,
      // JavaScript has no locks; what else it may write to is its own scratch folder.
      recordLocks: this.parts.access.nativeAddons,
    };
  }

  /** worker -> bubblewrap -> process 1 of the namespace -> runner */
  runnerPid(startedPid: number): number {
    return childOf(childOf(startedPid));
  }

  /** bubblewrap ends as a shell does. Code that exits with such a number says so before, in a frame. */
  runnerEnd({ exitCode, signal }: ProcessEnd): ProcessEnd {
    const name = exitCode === null ? undefined : SIGNAL_NAMES.get(exitCode - SHELL_SIGNAL_BASE);
    return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name as NodeJS.Signals };
  }

  private bubblewrap(args: string[], filter: string | null, nodeArgs: readonly string[]): StartCommand {
    const filtered = filter === null ? [] : ['--seccomp', String(EXTRA_FD)];
    return {
      file: this.parts.bwrap,
      args: [...args, ...filtered, process.execPath, ...nodeArgs],
      cwd: '/',
      extraFile: filter,
    };
  }

  private namespaces({ uid }: RunnerPlace): string[] {
    const asRoot = ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID'];
    return [
      '--die-with-parent',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      ...(this.parts.access.shareNetwork ? [] : ['--unshare-net']),
      '--cap-drop',
      'ALL',
      ...(uid === null ? ['--unshare-user'] : asRoot),
    ];
  }

  /** `more`: arguments that show further files. */
  private mounts({ scratch }: RunnerPlace, more: readonly string[] = []): string[] {
    const { libraries, scratchBytes } = this.parts;
    const { files, programs, packageSets, shareNetwork } = this.parts.access;
    const needed = [process.execPath, ...files, ...programs];
    const sets = packageSets === null ? [] : [packageSets];
    const optional = [...sets, '/etc/localtime', ...(shareNetwork ? NAME_SERVICE : [])];
    const tmpfs = ['--perms', '0777', '--size', String(scratchBytes), '--tmpfs', scratch];
    return [
      // Before what is mounted in it: bubblewrap would make it for its own user alone.
      ...foldersAbove('/etc/resolv.conf'),
      ...libraries,
      ...[...programs, ...sets].flatMap(foldersAbove),
      ...needed.flatMap((path) => ['--ro-bind', path, path]),
      ...optional.flatMap((path) => ['--ro-bind-try', path, path]),
      '--proc',
      '/proc',
      ...DEVICES.flatMap((path) => ['--dev-bind-try', path, path]),
      ...tmpfs,
      ...more,
      '--remount-ro',
      '/',
      '--chdir',
      scratch,
    ];
  }
}

/**
 * As process 1, so that no child has its number. To make mounts and to empty the bounding set of its children;
 * children with a user namespace of their own have the rights of that.
 */
const templateRights = (ownUsers: boolean): string[] =>
  ownUsers ? ['--as-pid-1'] : ['--as-pid-1', '--cap-add', 'CAP_SYS_ADMIN', '--cap-add', 'CAP_SETPCAP'];
