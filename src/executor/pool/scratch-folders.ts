import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunnerProcess } from '../process/runner-process.js';
import { removeDir } from '../../isolation/runtime-dir.js';

/** File systems record times in steps of up to this: what happened within a step looks like its beginning. */
const CLOCK_STEP_MS = 50;
/** Mode of a folder that only its owner may use. */
const OWN_FOLDER = 0o40700;

/**
 * The folders on disk that executions may write to, one for each that runs at once. Most executions
 * leave theirs untouched, which one look at the folder's own time shows; it serves the next one then.
 */
export class ScratchFolders {
  /** Time of the last change of a folder that was seen empty long after it: any entry changes that. */
  private readonly emptySince = new Map<string, number>();
  /** Empty folders of a runner whose executions have one each. */
  private readonly spare = new WeakMap<RunnerProcess, string[]>();

  /** A process's own folder, or one beside those of the other threads. */
  open(runner: RunnerProcess): string {
    const { kind, place } = runner;
    if (kind.ownsProcess) return place.scratch;
    return this.spare.get(runner)?.pop() ?? mkdtempSync(join(place.scratch, 't-'));
  }

  /** Whether an execution that is over has left its folder as empty as it was; false: that is not known. */
  isUntouched({ place }: RunnerProcess, folder: string): boolean {
    const since = place.onDisk ? this.emptySince.get(folder) : undefined;
    if (since === undefined) return false;
    try {
      return statSync(folder).ctimeMs === since;
    } catch {
      return false;
    }
  }

  /** The folder of an execution that left nothing serves the next one. */
  reuse(runner: RunnerProcess, folder: string): void {
    if (!runner.kind.ownsProcess) this.offer(runner, folder);
  }

  /**
   * Removes what an execution left in its folder, or marks the runner as unfit; null: nothing had to be
   * waited for. The place is free without a turn of the event loop then: a runner that is still being
   * cleaned looks busy, and another one would be booted instead.
   */
  clear(runner: RunnerProcess, folder: string): Promise<void> | null {
    const { kind, place } = runner;
    if (!place.onDisk) return null;
    try {
      const { ctimeMs, mode } = statSync(folder);
      const left = readdirSync(folder);
      if (kind.ownsProcess ? left.length === 0 : left.length === 0 && mode === OWN_FOLDER) {
        // A time of this very moment may also be that of a change which is yet to come.
        if (ctimeMs < Date.now() - CLOCK_STEP_MS) this.emptySince.set(folder, ctimeMs);
        this.reuse(runner, folder);
        return null;
      }
      this.emptySince.delete(folder);
      const paths = kind.ownsProcess ? left.map((name) => join(folder, name)) : [folder];
      return Promise.all(paths.map(removeDir)).then(
        () => undefined,
        () => runner.markUnfit('files'),
      );
    } catch (error) {
      // Of a thread only its own folder may be gone: the next one gets another.
      if (kind.ownsProcess || (error as NodeJS.ErrnoException).code !== 'ENOENT') runner.markUnfit('files');
      return null;
    }
  }

  /** The runner is gone, and its folders with it. */
  forget({ place }: RunnerProcess): void {
    for (const folder of this.emptySince.keys())
      if (folder.startsWith(place.scratch)) this.emptySince.delete(folder);
  }

  private offer(runner: RunnerProcess, folder: string): void {
    const others = this.spare.get(runner);
    if (others) others.push(folder);
    else this.spare.set(runner, [folder]);
  }
}
