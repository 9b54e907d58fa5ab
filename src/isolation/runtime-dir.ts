import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'bifrost-runtime-';

/** Folders of this very process; its pid may also be that of a dead worker in an earlier container. */
const own = new Set<string>();
/** The newest creation: they follow each other, or one would sweep what another has made and not yet noted. */
let lastCreation: Promise<unknown> = Promise.resolve();

/**
 * The folder of one worker process for what lives as long as it does: the runner bundle and the
 * scratch folders. Folders of dead workers are removed on the way.
 */
export class RuntimeDir {
  private constructor(readonly path: string) {}

  static create(parent: string = tmpdir()): Promise<RuntimeDir> {
    const created = lastCreation.then(() => RuntimeDir.createNow(parent));
    lastCreation = created.catch(() => undefined);
    return created;
  }

  private static async createNow(parent: string): Promise<RuntimeDir> {
    await sweep(parent);
    const path = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
    own.add(path);
    // Runners with a user of their own pass through; only their own folder in it is open to them.
    await chmod(path, 0o711);
    return new RuntimeDir(path);
  }

  /** A new empty folder, never used before: nothing of an earlier execution can be in it. */
  async createScratch(): Promise<string> {
    const scratches = join(this.path, 'scratch');
    await mkdir(scratches, { recursive: true });
    return mkdtemp(join(scratches, 's-'));
  }

  async remove(): Promise<void> {
    await removeDir(this.path);
    own.delete(this.path);
  }
}

/** Removes a folder with everything in it, also what user code made read-only. */
export async function removeDir(path: string): Promise<void> {
  const remove = (): Promise<void> =>
    rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  try {
    await remove();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await unlock(path);
    await remove();
  }
}

/** Makes a folder and those in it writable again; links are not followed. */
async function unlock(dir: string): Promise<void> {
  await chmod(dir, 0o700);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(dir, entry.name));
  }
}

async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  const stale = names.filter((name) => {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && !own.has(join(parent, name)) && !isAlive(Number(pid));
  });
  await Promise.all(stale.map((name) => removeDir(join(parent, name)).catch(() => undefined)));
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
