import type { Confinement } from '../contract/confinement.js';
import type { RuntimeDir } from './runtime-dir.js';
import { DiskPlace } from './disk-place.js';
import type { IsolationLevel, ProcessEnd, RunnerPlace, StartCommand } from './isolation-level.js';

/** For trusted code: threads share a process, which has nothing of the worker's but its user. */
export class ThreadLevel implements IsolationLevel {
  readonly name = 'thread';

  constructor(private readonly dir: RuntimeDir) {}

  openPlace(): Promise<RunnerPlace> {
    return DiskPlace.open(this.dir, null);
  }

  command({ scratch }: RunnerPlace, nodeArgs: readonly string[]): StartCommand {
    return { file: process.execPath, args: [...nodeArgs], cwd: scratch, extraFile: null };
  }

  confinement(): Confinement {
    return {
      parentPid: process.pid,
      uid: null,
      maxTasks: null,
      hidden: true,
      files: null,
      filter: false,
      sharedUser: true,
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
