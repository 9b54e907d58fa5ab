import type { Confinement } from '../contract/confinement.js';
import type { RuntimeDir } from './runtime-dir.js';
import { DiskPlace } from './disk-place.js';
import type {
  IsolationLevel,
  ProcessEnd,
  RunnerPlace,
  StartCommand,
  ProcessAccess,
} from './isolation-level.js';
import { RunnerUsers } from './runner-users.js';

/** Node has up to 11 threads, its pool for files and names may be set to more by user code. */
export const MAX_TASKS = 64;

/** What Node and the C library read of the machine while code runs. */
const MACHINE_FILES = [
  '/dev/null',
  '/dev/urandom',
  '/proc/self',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/cpuinfo',
  '/proc/loadavg',
  '/proc/uptime',
  '/usr/lib',
  '/usr/lib64',
  '/usr/share/zoneinfo',
  '/lib',
  '/lib64',
  '/etc/localtime',
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/gai.conf',
  '/etc/host.conf',
];

/**
 * For machines without user namespaces: a runner has a user of its own when the worker is root, and gives
 * up every right that user code could use against others before it loads any.
 */
export class ProcessLevel implements IsolationLevel {
  readonly name = 'process';
  private readonly users = process.getuid?.() === 0 ? RunnerUsers.ofWorker : null;

  constructor(
    private readonly dir: RuntimeDir,
    private readonly access: ProcessAccess,
  ) {}

  openPlace(): Promise<RunnerPlace> {
    const uid = this.users?.take() ?? null;
    return DiskPlace.open(this.dir, uid, () => uid !== null && this.users?.giveBack(uid));
  }

  command({ scratch }: RunnerPlace, nodeArgs: readonly string[]): StartCommand {
    return { file: process.execPath, args: [...nodeArgs], cwd: scratch, extraFile: null };
  }

  confinement({ scratch, uid }: RunnerPlace): Confinement {
    const { packageSets, programs } = this.access;
    const readable = packageSets === null ? [] : [packageSets];
    return {
      parentPid: process.pid,
      uid,
      // The limit is the user's: of the worker's own user it would count the worker too.
      maxTasks: uid === null ? null : MAX_TASKS,
      hidden: true,
      files: { read: [...MACHINE_FILES, ...readable], run: [...programs], write: [scratch] },
      filter: true,
      sharedUser: uid === null,
      recordLocks: false,
    };
  }

  runnerPid(startedPid: number): number {
    return startedPid;
  }

  runnerEnd(end: ProcessEnd): ProcessEnd {
    return end;
  }

  forTemplate(): null {
    return null;
  }
}
